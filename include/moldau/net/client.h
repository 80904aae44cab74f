#pragma once
// An outgoing Kafka connection: for tools, fetchers and forwarded requests. Owned by whoever calls; lives on one shard.
// Calls may be made while others wait: they are pipelined, sent in the order in which they were made, and answered in
// the order that the broker keeps.

#include <memory>
#include <string>

#include <moldau/base/assert.h>
#include <moldau/base/buffer.h>
#include <moldau/protocol/reader.h>
#include <moldau/protocol/writer.h>
#include <moldau/runtime/transport.h>

namespace moldau::net {

struct ClientOptions {
    std::string client_id = "moldau";
    std::size_t max_answer_bytes = 128 * 1024 * 1024;  ///< a larger answer closes the connection
    std::size_t max_calls_in_flight = 1000;            ///< one more, answered or not, fails with Errc::would_block
};

/// An answer's bytes, header included, without the size before it.
struct Answer {
    Buffer frame;
    std::size_t body_at = 0;
    ByteView body() const { return frame.view().subspan(body_at); }
};

/// A decoded answer together with the bytes that it borrows from. Moves; does not copy.
template <class Message>
struct Reply {
    Answer answer;
    Message message;
};

class Client {
 public:
    /// Requires: on `shard`. Errc::timed_out at `deadline`, Errc::io when nobody listens.
    static runtime::Task<Result<std::unique_ptr<Client>>> connect(runtime::Transport& transport, runtime::Shard& shard,
                                                                  runtime::Endpoint endpoint, ClientOptions options,
                                                                  runtime::TimePoint deadline);
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client();  ///< closes

    /// Sends one request and waits for its answer. `body` is copied before the first wait. Errc::timed_out at
    /// `deadline`: the broker may have done it all the same. Errc::closed when the connection ends first. Requires: a
    /// request that is answered (not Produce with acks=0).
    runtime::Task<Result<Answer>> call(std::int16_t api_key, std::int16_t version, ByteView body,
                                       runtime::TimePoint deadline);

    /// The same for a generated message: encodes `request`, decodes its answer (Errc::invalid when that is none).
    /// Requires: no external records in it.
    template <class Request>
    runtime::Task<Result<Reply<typename Request::Response>>> call(const Request& request, std::int16_t version,
                                                                  runtime::TimePoint deadline);

    /// Sends one request that no answer comes to (Produce with acks=0), between those that are answered; waits until
    /// the operating system has taken all of it. That the broker has got it, and what was sent before, an answer tells
    /// to something that is asked later. Fails as call() does, and then it may have been sent all the same.
    runtime::Task<Result<>> send(std::int16_t api_key, std::int16_t version, ByteView body,
                                 runtime::TimePoint deadline);

    bool is_open() const;
    /// Calls that wait fail with Errc::closed.
    void close();

 private:
    struct State;
    explicit Client(std::shared_ptr<State> state);

    std::shared_ptr<State> state_;  // shared with its two coroutines
};

template <class Request>
runtime::Task<Result<Reply<typename Request::Response>>> Client::call(const Request& request, std::int16_t version,
                                                                      runtime::TimePoint deadline) {
    using Message = typename Request::Response;
    protocol::Writer writer;
    request.encode(writer, version);
    MOLDAU_ASSERT(writer.splices().empty());
    Result<Answer> answer = co_await call(Request::api_key, version, writer.view(), deadline);
    if (!answer) co_return std::unexpected(std::move(answer).error());
    protocol::Reader reader(answer->body());
    Message message = Message::decode(reader, version);
    if (Result<> finished = reader.finish(Message::message_name); !finished)
        co_return std::unexpected(std::move(finished).error());
    co_return Reply<Message>{std::move(*answer), std::move(message)};
}

}  // namespace moldau::net
