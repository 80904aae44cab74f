#include <array>
#include <map>

#include <moldau/net/client.h>
#include <moldau/protocol/api_table.h>
#include <moldau/runtime/endpoint_text.h>

#include "fifo.h"

namespace moldau::net {

using runtime::Endpoint;
using runtime::Shard;
using runtime::Task;
using runtime::TimePoint;

namespace {

constexpr std::size_t max_request_parts = 64;

Bytes encode_request(std::int16_t api_key, std::int16_t version, std::int32_t correlation_id,
                     const std::string& client_id, ByteView body) {
    protocol::Writer writer(body.size() + client_id.size() + 16);
    const auto frame = writer.begin_frame();
    writer.integer(api_key);
    writer.integer(version);
    writer.integer(correlation_id);
    writer.text_length(client_id.size(), false);
    writer.bytes(bytes_of(client_id));
    if (protocol::request_header_version(api_key, version) >= 2) writer.uvarint(0);  // no tags
    writer.bytes(body);
    writer.end_frame(frame);
    return writer.take();
}

}  // namespace

struct Client::State : std::enable_shared_from_this<Client::State> {
    using Done = runtime::Handler<Result<Buffer>>;

    struct Call {
        bool is_answered;  // else it ends when it has left the outbox
        Done done;         // empty once its deadline has passed: the answer is dropped
        runtime::TimerQueue::Id timer;
    };
    using Calls = std::map<std::int32_t, Call>;
    struct Request {
        std::int32_t correlation_id;
        Bytes frame;
    };

    State(Shard& on_shard, std::unique_ptr<runtime::Stream> connected, ClientOptions with)
        : shard(on_shard), stream(std::move(connected)), options(std::move(with)), writer_wake(on_shard) {}
    ~State() { close("the client is gone"); }

    static Task<void> read_loop(std::shared_ptr<State> self);
    static Task<void> write_loop(std::shared_ptr<State> self);

    /// Fills `into`; false when the connection has ended.
    Task<bool> read_exactly(MutableBytes into);
    /// Completes with the answer, or with nothing where none comes. `body` is copied before the first wait.
    static Task<Result<Buffer>> transact(std::shared_ptr<State> self, std::int16_t api_key, std::int16_t version,
                                         ByteView body, TimePoint deadline, bool is_answered);
    void add_call(Request request, TimePoint deadline, bool is_answered, Done done);
    void on_deadline(std::int32_t correlation_id);
    void on_sent(std::int32_t correlation_id);
    void on_answer(Buffer frame);
    void end_call(Calls::iterator call, Buffer answer);
    void complete(Done done, Result<Buffer> result);
    void close(std::string_view reason);

    Shard& shard;
    std::unique_ptr<runtime::Stream> stream;
    const ClientOptions options;
    bool closed = false;
    std::string why_closed;
    std::int32_t next_correlation_id = 0;
    Calls calls;
    Fifo<Request> outbox;
    std::size_t first_sent = 0;  // bytes of the outbox's first
    runtime::Signal writer_wake;
};

void Client::State::complete(Done done, Result<Buffer> result) {
    // Who waits may destroy the client: not under the feet of who completes.
    shard.post([done = std::move(done), result = std::move(result)]() mutable { std::move(done)(std::move(result)); });
}

void Client::State::close(std::string_view reason) {
    if (closed) return;
    closed = true;
    why_closed = fmt::format("connection to {}: {}", to_text(stream->peer()), reason);
    stream->close();
    writer_wake.notify_all();
    for (auto& [id, call] : std::exchange(calls, {})) {
        shard.timers().cancel(call.timer);
        if (call.done) complete(std::move(call.done), fail(Errc::closed, why_closed));
    }
}

Task<Result<Buffer>> Client::State::transact(std::shared_ptr<State> self, std::int16_t api_key, std::int16_t version,
                                             ByteView body, TimePoint deadline, bool is_answered) {
    if (protocol::find_api(api_key) == nullptr)
        co_return fail(Errc::unsupported, fmt::format("there is no API of key {}", api_key));
    const std::int32_t correlation_id = self->next_correlation_id++;
    Request request{correlation_id, encode_request(api_key, version, correlation_id, self->options.client_id, body)};
    co_return co_await runtime::async<Result<Buffer>>(
        [self, request = std::move(request), deadline, is_answered](Done done) mutable {
            self->add_call(std::move(request), deadline, is_answered, std::move(done));
        });
}

void Client::State::add_call(Request request, TimePoint deadline, bool is_answered, Done done) {
    if (closed) return complete(std::move(done), fail(Errc::closed, why_closed));
    if (calls.size() >= options.max_calls_in_flight)
        return complete(std::move(done), fail(Errc::would_block, "too many calls are under way"));
    const std::int32_t id = request.correlation_id;
    Call& call = calls.emplace(id, Call{is_answered, std::move(done), {}}).first->second;
    if (deadline != runtime::never) call.timer = shard.timers().add(deadline, [this, id] { on_deadline(id); });
    outbox.push(std::move(request));
    writer_wake.notify_all();
}

void Client::State::on_deadline(std::int32_t correlation_id) {
    Call& call = calls.at(correlation_id);
    call.timer = {};
    Done done;
    done.swap(call.done);
    const std::string_view what = call.is_answered ? "no answer from" : "nothing was taken by";
    complete(std::move(done), fail(Errc::timed_out, fmt::format("{} {} in time", what, to_text(stream->peer()))));
}

void Client::State::on_sent(std::int32_t correlation_id) {
    const auto call = calls.find(correlation_id);
    if (call == calls.end() || call->second.is_answered) return;
    end_call(call, Buffer());
}

void Client::State::end_call(Calls::iterator call, Buffer answer) {
    shard.timers().cancel(call->second.timer);
    Done done;
    done.swap(call->second.done);
    calls.erase(call);
    if (done) complete(std::move(done), std::move(answer));
}

void Client::State::on_answer(Buffer frame) {
    const auto call = calls.find(load_big_endian<std::int32_t>(frame.data()));
    if (call == calls.end() || !call->second.is_answered) return close("it answered what was not asked");
    end_call(call, std::move(frame));
}

Task<bool> Client::State::read_exactly(MutableBytes into) {
    while (!into.empty()) {
        const Result<std::size_t> count = stream->try_read_some(into);
        if (count && *count == 0) {
            close("the peer ended it");
        } else if (count) {
            into = into.subspan(*count);
        } else if (count.error().code == Errc::would_block) {
            const Result<> readable = co_await stream->wait_readable();
            if (!readable) close(readable.error().message);
        } else {
            close(count.error().message);
        }
        if (closed) co_return false;
    }
    co_return true;
}

Task<void> Client::State::read_loop(std::shared_ptr<State> self) {
    while (!self->closed) {
        std::array<std::uint8_t, 4> prefix{};
        const bool has_prefix = co_await self->read_exactly(prefix);
        if (!has_prefix) break;
        const auto size = load_big_endian<std::int32_t>(prefix.data());
        if (size < 4 || static_cast<std::size_t>(size) > self->options.max_answer_bytes) {
            self->close(fmt::format("an answer of {} bytes was announced; at most {} are read", size,
                                    self->options.max_answer_bytes));
            break;
        }
        Buffer frame(static_cast<std::size_t>(size));
        const bool has_frame = co_await self->read_exactly(frame.bytes());
        if (has_frame) self->on_answer(std::move(frame));
    }
}

Task<void> Client::State::write_loop(std::shared_ptr<State> self) {
    while (!self->closed) {
        if (self->outbox.empty()) {
            co_await self->writer_wake.wait();
            continue;
        }
        std::array<ByteView, max_request_parts> parts;
        const std::size_t count = std::min(parts.size(), self->outbox.size());
        for (std::size_t i = 0; i < count; ++i) parts[i] = self->outbox[i].frame;
        parts[0] = parts[0].subspan(self->first_sent);
        const Result<std::size_t> written = self->stream->try_write(std::span(parts).first(count));
        if (!written) {
            self->close(written.error().message);
            break;
        }
        self->first_sent += *written;
        while (!self->outbox.empty() && self->first_sent >= self->outbox.front().frame.size()) {
            const Request sent = self->outbox.pop();
            self->first_sent -= sent.frame.size();
            self->on_sent(sent.correlation_id);
        }
        if (*written > 0) continue;
        // A peer that reads nothing ends by the deadlines of those who call.
        const Result<> writable = co_await self->stream->wait_writable();
        if (!writable) self->close(writable.error().message);
    }
}

Client::Client(std::shared_ptr<State> state) : state_(std::move(state)) {}

Client::~Client() {
    close();
}

Task<Result<std::unique_ptr<Client>>> Client::connect(runtime::Transport& transport, Shard& shard, Endpoint endpoint,
                                                      ClientOptions options, TimePoint deadline) {
    auto stream = co_await transport.connect(shard, endpoint, deadline);
    if (!stream) co_return std::unexpected(std::move(stream).error());
    auto state = std::make_shared<State>(shard, std::move(*stream), std::move(options));
    runtime::spawn(shard, State::read_loop(state));
    runtime::spawn(shard, State::write_loop(state));
    co_return std::unique_ptr<Client>(new Client(std::move(state)));
}

Task<Result<Answer>> Client::call(std::int16_t api_key, std::int16_t version, ByteView body, TimePoint deadline) {
    // The coroutine keeps the state, so that the client may be destroyed while it waits.
    Result<Buffer> frame = co_await State::transact(state_, api_key, version, body, deadline, true);
    if (!frame) co_return std::unexpected(std::move(frame).error());
    Answer answer{std::move(*frame), sizeof(std::int32_t)};
    if (protocol::response_header_version(api_key, version) >= 1) {
        protocol::Reader reader(answer.body());
        reader.skip_tags();
        if (!reader.ok()) co_return fail(Errc::invalid, "an answer's header: " + reader.error());
        answer.body_at += reader.position();
    }
    co_return answer;
}

Task<Result<>> Client::send(std::int16_t api_key, std::int16_t version, ByteView body, TimePoint deadline) {
    const Result<Buffer> sent = co_await State::transact(state_, api_key, version, body, deadline, false);
    if (!sent) co_return std::unexpected(sent.error());
    co_return Result<>();
}

bool Client::is_open() const {
    return !state_->closed;
}

void Client::close() {
    state_->close("it was closed here");
}

}  // namespace moldau::net
