#pragma once
// A server on real sockets, and a service whose answers the tests know.

#include <ranges>
#include <support/running_shards.h>

#include <gtest/gtest.h>

#include <moldau/net/client.h>
#include <moldau/net/server.h>
#include <moldau/posix/disk.h>
#include <moldau/posix/transport.h>
#include <moldau/protocol/messages/api_versions.h>

#include "frames.h"

namespace moldau::net {

using posix::run_to_end;
using runtime::Endpoint;
using runtime::Shard;
using runtime::Stream;
using runtime::Task;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Metadata is answered with its own body, Fetch with the slices that the test set, ApiVersions with one API; a Produce
/// waits until the test answers it, ListOffsets until its client sends no more.
class TestService final : public Service {
 public:
    struct Held {
        std::int32_t correlation_id;
        runtime::Handler<Response> done;
    };

    void serve(Request request, runtime::Handler<Response> done) override {
        ++served;
        Response response;
        switch (request.api_key) {
            case produce_key:
                held.push_back({request.correlation_id, std::move(done)});
                return;
            case list_offsets_key: {
                net::Peer& peer = *request.peer;
                auto answer = [id = request.correlation_id, done = std::move(done)]() mutable {
                    Response late;
                    late.pieces.emplace_back(answer_frame(id));
                    std::move(done)(std::move(late));
                };
                if (peer.input_has_ended) return answer();
                peer.on_input_end = [&shard = *peer.shard, answer = std::move(answer)]() mutable {
                    shard.post(std::move(answer));
                };
                return;
            }
            case fetch_key:
                response = slices_answer(request.correlation_id);
                break;
            case api_versions_key:
                response.pieces.emplace_back(api_versions_answer(request));
                break;
            default:
                response.pieces.emplace_back(answer_frame(request.correlation_id, request.body()));
                response.close = text_of(request.body()) == "close";
                if (text_of(request.body()) == "slow") {
                    Shard& shard = *request.peer->shard;
                    for (const auto begin = shard.now(); shard.now() - begin < milliseconds(3);) continue;
                }
        }
        std::move(done)(std::move(response));
    }
    bool may_overlap(std::int16_t api_key) const override { return api_key == produce_key; }

    /// The last first, on the shard.
    void answer_held() {
        std::vector<Held> all;
        all.swap(held);
        for (Held& one : std::views::reverse(all)) {
            Response response;
            response.pieces.emplace_back(answer_frame(one.correlation_id));
            std::move(one.done)(std::move(response));
        }
    }

    std::atomic<int> served = 0;
    std::vector<Held> held;
    std::vector<FileSlice> slices;

 private:
    Response slices_answer(std::int32_t correlation_id) const {
        std::size_t size = 0;
        for (const FileSlice& slice : slices) size += slice.size;
        Bytes head;
        append_integer(head, static_cast<std::int32_t>(4 + size));
        append_integer(head, correlation_id);
        Response response;
        response.pieces.emplace_back(std::move(head));
        for (const FileSlice& slice : slices) response.pieces.emplace_back(slice);
        return response;
    }

    static Bytes api_versions_answer(const Request& request) {
        protocol::ApiVersionsResponse message;
        message.api_keys.emplace_back().api_key = 18;
        protocol::Writer writer;
        message.encode(writer, request.api_version);
        return answer_frame(request.correlation_id, writer.view());
    }
};

class ServerTest : public testing::Test {
 public:
    void start(ServerOptions options = {}, unsigned shard_count = 1) {
        shards.emplace(posix::ShardsOptions{.count = shard_count});
        std::vector<Service*> all;
        for (unsigned i = 0; i < shard_count; ++i) all.push_back(services.emplace_back(new TestService).get());
        server.emplace(runtime::World{disk, transport, shards->all()}, all, options);
        const auto local = server->listen("PLAINTEXT", {"127.0.0.1", 0});
        ASSERT_TRUE(local);
        endpoint = *local;
        shards->start();
    }

    void TearDown() override {
        shards->stop();
        shards->join();
    }

    Shard& shard() { return (*shards)[0]; }

    template <class T>
    T run(Task<T> task) {
        return run_to_end(shard(), std::move(task));
    }

    Task<std::unique_ptr<Client>> connect() {
        auto client = co_await Client::connect(transport, shard(), endpoint, {}, in_time());
        MOLDAU_ASSERT(client);
        co_return std::move(*client);
    }

    Task<std::unique_ptr<Stream>> connect_stream() {
        auto stream = co_await transport.connect(shard(), endpoint, in_time());
        MOLDAU_ASSERT(stream);
        co_return std::move(*stream);
    }

    runtime::TimePoint in_time() { return shard().now() + seconds(15); }

    Task<bool> echoes(Client& client, std::string text) {
        const auto answer = co_await client.call(metadata_key, 0, bytes_of(text), in_time());
        co_return answer&& text_of(answer->body()) == text;
    }

    /// Reads to the peer's end; false when it did not end in order.
    static Task<bool> ends(Stream& stream) {
        Bytes buffer(65536);
        while (true) {
            const auto count = stream.try_read_some(buffer);
            if (count && *count == 0) co_return true;
            if (count) continue;
            if (count.error().code != Errc::would_block) co_return count.error().code == Errc::closed;
            const Result<> readable = co_await stream.wait_readable();
            if (!readable) co_return false;
        }
    }

    static void write(Stream& stream, ByteView bytes) {
        const ByteView parts[] = {bytes};
        MOLDAU_ASSERT(stream.try_write(parts).value() == bytes.size());
    }

    /// A turn of the loop at a time, until `condition` holds.
    template <class Condition>
    Task<bool> eventually(Condition condition) {
        const auto deadline = in_time();
        while (!condition()) {
            if (shard().now() > deadline) co_return false;
            co_await runtime::yield(shard());
        }
        co_return true;
    }

    /// The most that the first shard serves between two of our turns, until it has served `all`; -1 when it does not.
    Task<int> most_between_turns(int all) {
        int before = 0;
        int most = 0;
        const bool served_all = co_await eventually([&] {
            const int served = services[0]->served;
            most = std::max(most, served - std::exchange(before, served));
            return served == all;
        });
        co_return served_all ? most : -1;
    }

    posix::PosixTransport transport;
    std::optional<posix::Shards> shards;
    posix::PosixDisk disk;  // before the shards' end
    std::vector<std::unique_ptr<TestService>> services;
    std::optional<Server> server;
    Endpoint endpoint;
};

}  // namespace moldau::net
