#include "net_connector.h"

#include <moldau/net/client.h>
#include <moldau/protocol/api_table.h>
#include <moldau/protocol/messages/api_versions.h>
#include <moldau/protocol/writer.h>
#include <moldau/runtime/async.h>

namespace moldau::cli {

using runtime::Task;

namespace {

/// A connection of its own for requests that no answer comes to: net's client waits for one. On the session's shard.
class UnansweredRequests {
 public:
    UnansweredRequests(runtime::Shard& shard, runtime::Transport& transport, runtime::Endpoint endpoint)
        : shard_(shard), transport_(transport), endpoint_(std::move(endpoint)), free_(shard) {}

    Task<Result<>> send(Call call) {
        while (busy_) co_await free_.wait();
        busy_ = true;
        Result<> sent = co_await write(frame_of(call), call.deadline);
        // Nobody knows what became of those before: not to be tried again as if nothing had happened.
        if (!sent && stream_) sent = lost(sent.error().message);
        busy_ = false;
        free_.notify_all();
        co_return sent;
    }

    void close() {
        if (stream_) stream_->close();
    }

    /// Asks something that is answered behind all that was sent: a broker answers a connection in order, and closes it
    /// when it cannot do what it was asked without an answer.
    Task<Result<>> settle(runtime::TimePoint deadline) {
        if (!stream_) co_return Result<>();
        Call question;
        question.api_key = protocol::ApiVersionsRequest::api_key;  // version 0: no body
        question.deadline = deadline;
        Result<> asked = co_await send(std::move(question));
        if (!asked) co_return asked;
        const auto timer = shard_.timers().add(deadline, [this] { stream_->close(); });
        std::array<std::uint8_t, 64> answer{};
        const Result<> readable = co_await stream_->wait_readable();
        shard_.timers().cancel(timer);
        if (!readable) co_return lost(readable.error().message);
        const Result<std::size_t> got = stream_->try_read_some(answer);
        if (!got || *got == 0) co_return lost(got ? "the broker closed the connection" : got.error().message);
        co_return Result<>();
    }

 private:
    static Result<> lost(std::string_view why) {
        return fail(Errc::invalid, fmt::format("records that were sent with acks=0 may be lost: {}", why));
    }

    static Bytes frame_of(const Call& call) {
        protocol::Writer writer(call.body.size() + 32);
        const auto frame = writer.begin_frame();
        writer.integer(call.api_key);
        writer.integer(call.api_version);
        writer.integer(std::int32_t{0});
        writer.null_text(false);                                                                       // no client id
        if (protocol::request_header_version(call.api_key, call.api_version) >= 2) writer.uvarint(0);  // no tags
        writer.bytes(call.body);
        writer.end_frame(frame);
        return writer.take();
    }

    Task<Result<>> write(Bytes frame, runtime::TimePoint deadline) {
        if (!stream_) {
            auto stream = co_await transport_.connect(shard_, endpoint_, deadline);
            if (!stream) co_return std::unexpected(std::move(stream).error());
            stream_ = std::move(*stream);
        }
        ByteView left(frame);
        while (!left.empty()) {
            const ByteView parts[] = {left};
            const Result<std::size_t> written = stream_->try_write(parts);
            if (!written) co_return std::unexpected(written.error());
            left = left.subspan(*written);
            if (*written > 0) continue;
            const auto timer = shard_.timers().add(deadline, [this] { stream_->close(); });
            Result<> writable = co_await stream_->wait_writable();
            shard_.timers().cancel(timer);
            if (!writable) co_return writable;
        }
        co_return Result<>();
    }

    runtime::Shard& shard_;
    runtime::Transport& transport_;
    runtime::Endpoint endpoint_;
    std::unique_ptr<runtime::Stream> stream_;  // set once something was sent
    bool busy_ = false;                        // somebody writes
    runtime::Signal free_;
};

class NetConnection final : public Connection {
 public:
    NetConnection(std::unique_ptr<net::Client> client, std::unique_ptr<UnansweredRequests> unanswered)
        : client_(std::move(client)), unanswered_(std::move(unanswered)) {}

    Task<Result<net::Answer>> call(Call call) override {
        if (call.answered) {
            co_return co_await client_->call(call.api_key, call.api_version, call.body, call.deadline);
        }
        Result<> sent = co_await unanswered_->send(std::move(call));
        if (!sent) co_return std::unexpected(std::move(sent).error());
        co_return net::Answer{};
    }
    Task<Result<>> settle(runtime::TimePoint deadline) override { return unanswered_->settle(deadline); }
    void close() override {
        client_->close();
        unanswered_->close();
    }

 private:
    std::unique_ptr<net::Client> client_;
    std::unique_ptr<UnansweredRequests> unanswered_;
};

}  // namespace

Task<Result<std::shared_ptr<Connection>>> NetConnector::connect(runtime::Endpoint endpoint,
                                                                runtime::TimePoint deadline) {
    runtime::Shard& shard = shard_;
    runtime::Transport& transport = transport_;
    auto client = co_await net::Client::connect(transport, shard, endpoint, {}, deadline);
    if (!client) co_return std::unexpected(std::move(client).error());
    auto unanswered = std::make_unique<UnansweredRequests>(shard, transport, std::move(endpoint));
    co_return std::make_shared<NetConnection>(std::move(*client), std::move(unanswered));
}

}  // namespace moldau::cli
