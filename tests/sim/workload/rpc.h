#pragma once
// A client's connection in Kafka's protocol: frames, correlation and order. Several requests may be in flight. Owned by
// the coroutines that use it, on their shard. Any failure closes it for good.

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include <moldau/protocol/api_table.h>
#include <moldau/protocol/reader.h>
#include <moldau/protocol/writer.h>
#include <moldau/runtime/world.h>

namespace moldau::sim {

/// A decoded response and the bytes that it borrows from.
template <class Message>
struct Answer {
    std::unique_ptr<Bytes> frame;
    Message message;
};

class Rpc : public std::enable_shared_from_this<Rpc> {
 public:
    static runtime::Task<Result<std::shared_ptr<Rpc>>> open(const runtime::World world, runtime::Endpoint broker,
                                                            std::string client_id, runtime::TimePoint deadline);
    Rpc(runtime::Shard& shard, std::unique_ptr<runtime::Stream> stream, std::string client_id);

    /// Sends `request` and gives its answer; Errc::timed_out at `deadline`, which closes the connection as clients do.
    template <class Request>
    runtime::Task<Result<Answer<typename Request::Response>>> ask(Request request, std::int16_t version,
                                                                  runtime::TimePoint deadline) {
        using Response = typename Request::Response;
        auto body = co_await exchange(Request::api_key, version, encode(request, version), deadline);
        if (!body) co_return std::unexpected(std::move(body).error());
        Answer<Response> answer{std::make_unique<Bytes>(std::move(*body)), {}};
        protocol::Reader reader(*answer.frame);
        answer.message = Response::decode(reader, version);
        if (auto whole = reader.finish(Response::message_name); !whole) {
            on_broken_(whole.error().message);
            co_return std::unexpected(std::move(whole).error());
        }
        co_return std::move(answer);
    }

    /// Sends a request that gets no answer: Produce with acks=0.
    template <class Request>
    void tell(const Request& request, std::int16_t version) {
        enqueue(Request::api_key, version, encode(request, version), nullptr);
    }

    bool is_open() const { return !failure_; }
    void close(Errc code, std::string reason);
    /// The life of the broker at the other end.
    std::uint32_t peer_life() const { return peer_life_; }
    /// Is told of what no broker may do: answers in a wrong order or that cannot be decoded.
    void on_broken(std::function<void(std::string)> report) { on_broken_ = std::move(report); }

 private:
    struct Pending {
        explicit Pending(runtime::Shard& shard) : arrived(shard) {}
        std::int32_t correlation_id = 0;
        std::int16_t api_key = 0;
        std::int16_t version = 0;
        std::optional<Result<Bytes>> answer;
        runtime::Signal arrived;
    };

    template <class Request>
    static Bytes encode(const Request& request, std::int16_t version) {
        protocol::Writer writer;
        request.encode(writer, version);
        return writer.take();
    }
    void enqueue(std::int16_t api_key, std::int16_t version, Bytes body, std::shared_ptr<Pending> pending);
    runtime::Task<Result<Bytes>> exchange(std::int16_t api_key, std::int16_t version, Bytes body,
                                          runtime::TimePoint deadline);
    static runtime::Task<> write_all(std::shared_ptr<Rpc> self);
    static runtime::Task<> read_all(std::shared_ptr<Rpc> self);
    void answered(ByteView frame);

    runtime::Shard& shard_;
    std::unique_ptr<runtime::Stream> stream_;
    std::string client_id_;
    std::uint32_t peer_life_;
    std::int32_t next_correlation_id_ = 0;
    Bytes outbox_;
    runtime::Signal outbox_filled_;
    std::deque<std::shared_ptr<Pending>> in_flight_;
    std::optional<Error> failure_;
    std::function<void(std::string)> on_broken_ = [](std::string) {};
};

}  // namespace moldau::sim
