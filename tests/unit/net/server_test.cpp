#include <fstream>
#include <ranges>
#include <support/running_shards.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <moldau/net/client.h>
#include <moldau/net/server.h>
#include <moldau/posix/disk.h>
#include <moldau/posix/transport.h>
#include <moldau/protocol/messages/api_versions.h>

#include "frames.h"

namespace moldau::net {
namespace {

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

TEST_F(ServerTest, AnswersATypedCall) {
    start();
    struct Body {
        static Task<std::int16_t> run(ServerTest& test) {
            auto client = co_await test.connect();
            auto reply = co_await client->call(protocol::ApiVersionsRequest{}, 3, test.in_time());
            co_return reply && reply->message.api_keys.size() == 1 ? reply->message.api_keys[0].api_key : -1;
        }
    };
    EXPECT_EQ(run(Body::run(*this)), 18);
}

TEST_F(ServerTest, ARequestThatWaitsLearnsThatItsClientSendsNoMore) {
    start();
    struct Body {
        static Task<bool> run(ServerTest& test) {
            auto stream = co_await test.connect_stream();
            write(*stream, request_frame(list_offsets_key, 1));
            if (!co_await test.eventually([&] { return test.services[0]->served == 1; })) co_return false;
            stream->close();
            co_return co_await test.eventually([&] { return test.server->connections() == 0; });
        }
    };
    EXPECT_TRUE(run(Body::run(*this)));
}

TEST_F(ServerTest, ManyRequestsOfOneConnectionLeaveTurnsToOthers) {
    start();
    struct Body {
        static Task<int> run(ServerTest& test) {
            auto stream = co_await test.connect_stream();
            Bytes flood;
            for (std::int32_t id = 1; id <= 1000; ++id) append(flood, request_frame(metadata_key, id));
            write(*stream, flood);
            co_return co_await test.most_between_turns(1000);
        }
    };
    const int most_between_turns = run(Body::run(*this));
    EXPECT_GT(most_between_turns, 0);
    EXPECT_LE(most_between_turns, 100);
}

TEST_F(ServerTest, RequestsThatTakeLongLeaveATurnToOthersAfterEach) {
    start();
    struct Body {
        static Task<int> run(ServerTest& test) {
            auto stream = co_await test.connect_stream();
            Bytes slow;
            for (std::int32_t id = 1; id <= 8; ++id) append(slow, request_frame(metadata_key, id, bytes_of("slow")));
            write(*stream, slow);
            co_return co_await test.most_between_turns(8);
        }
    };
    EXPECT_EQ(run(Body::run(*this)), 1);
}

TEST_F(ServerTest, AStopDoesNotWaitForWhatWaits) {
    start();
    struct Body {
        static Task<bool> run(ServerTest& test) {
            auto stream = co_await test.connect_stream();
            write(*stream, request_frame(list_offsets_key, 1));
            if (!co_await test.eventually([&] { return test.services[0]->served == 1; })) co_return false;
            co_return co_await test.server->stop(test.in_time());
        }
    };
    EXPECT_TRUE(run(Body::run(*this))) << "nothing had to be cut";
}

TEST_F(ServerTest, AnswersCallsOfEverySize) {
    start();
    struct Body {
        static Task<bool> run(ServerTest& test) {
            auto client = co_await test.connect();
            for (const std::size_t size : {0UL, 1UL, 60'000UL, 65'536UL, 70'000UL, 3'000'000UL}) {
                const bool echoed = co_await test.echoes(*client, std::string(size, 'm'));
                if (!echoed) co_return false;
            }
            co_return true;
        }
    };
    EXPECT_TRUE(run(Body::run(*this)));
}

TEST_F(ServerTest, PipelinedCallsAreAllAnswered) {
    start();
    struct Body {
        static Task<void> call(ServerTest& test, Client& client, int number, int& succeeded) {
            const bool echoed = co_await test.echoes(client, std::to_string(number));
            succeeded += echoed ? 1 : 0;
        }
        static Task<bool> run(ServerTest& test) {
            auto client = co_await test.connect();
            int succeeded = 0;
            for (int i = 0; i < 500; ++i) runtime::spawn(test.shard(), call(test, *client, i, succeeded));
            const bool all = co_await test.eventually([&succeeded] { return succeeded == 500; });
            co_return all;
        }
    };
    EXPECT_TRUE(run(Body::run(*this)));
}

TEST_F(ServerTest, ProducesOverlapAndTheirAnswersComeInOrder) {
    start();
    struct Body {
        static Task<std::string> run(ServerTest& test) {
            auto stream = co_await test.connect_stream();
            Bytes bytes;
            for (std::int32_t id = 1; id <= 3; ++id) append(bytes, request_frame(produce_key, id, {}, 3));
            write(*stream, bytes);
            TestService& service = *test.services[0];
            const bool all_began = co_await test.eventually([&service] { return service.held.size() == 3; });
            if (!all_began) co_return "they did not overlap";
            service.answer_held();
            std::string order;
            Bytes answer(8);
            while (order.size() < 3) {
                const auto count = stream->try_read_some(answer);
                if (count)
                    order += static_cast<char>('0' + answer[7]);
                else
                    co_await stream->wait_readable();
            }
            co_return order;
        }
    };
    EXPECT_EQ(run(Body::run(*this)), "123");
}

class ServerFileTest : public ServerTest, public testing::WithParamInterface<std::size_t> {};

TEST_P(ServerFileTest, SlicesOfFilesArriveWhole) {
    const std::string path = testing::TempDir() + fmt::format("moldau-slices-{}-{}", ::getpid(), GetParam());
    Bytes content(5'000'000);
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<std::uint8_t>(i * 13 + i / 777);
    ASSERT_TRUE(runtime::write_atomically(disk, path, content));
    start({.min_send_file_bytes = GetParam()});
    const std::shared_ptr<const runtime::File> file = disk.open(path, runtime::OpenMode::read).value();
    services[0]->slices = {{file, 10, 100}, {file, 0, 4'000'000}, {file, 4'000'000, 5}, {file, 4'900'000, 100'000}};
    struct Body {
        static Task<bool> run(ServerTest& test, const Bytes& whole, const std::vector<FileSlice>& slices) {
            Bytes expected;
            for (const FileSlice& slice : slices) append(expected, ByteView(whole).subspan(slice.position, slice.size));
            auto client = co_await test.connect();
            for (int i = 0; i < 3; ++i) {
                const auto answer = co_await client->call(fetch_key, 4, {}, test.in_time());
                if (!answer || !std::ranges::equal(answer->body(), expected)) co_return false;
            }
            co_return true;
        }
        static Task<bool> beyond_the_end(ServerTest& test) {
            auto client = co_await test.connect();
            const auto answer = co_await client->call(fetch_key, 4, {}, test.in_time());
            co_return !answer && answer.error().code == Errc::closed;
        }
    };
    EXPECT_TRUE(run(Body::run(*this, content, services[0]->slices)));
    services[0]->slices = {{file, 4'000'000, 2'000'000}};
    EXPECT_TRUE(run(Body::beyond_the_end(*this))) << "a file that is shorter than promised ends the connection";
    EXPECT_TRUE(disk.remove(path));
}

INSTANTIATE_TEST_SUITE_P(SendFile, ServerFileTest, testing::Values(0, 64 * 1024));

TEST_F(ServerTest, ConnectionsThatAnnounceMuchAndSendNothingCostNothing) {
    start({.request_budget_bytes = 8 * 1024 * 1024});
    struct Body {
        static std::size_t resident_bytes() {
            std::size_t total = 0;
            std::size_t resident = 0;
            std::ifstream("/proc/self/statm") >> total >> resident;
            return resident * 4096;
        }
        static Task<std::size_t> run(ServerTest& test) {
            auto client = co_await test.connect();
            std::vector<std::unique_ptr<Stream>> hostile;
            const std::size_t before = resident_bytes();
            for (int i = 0; i < 200; ++i) {
                hostile.push_back(co_await test.connect_stream());
                Bytes size;
                append_integer(size, std::int32_t{100 * 1024 * 1024});
                write(*hostile.back(), size);
                const bool served = co_await test.echoes(*client, std::string(100'000, 'g'));
                if (!served) co_return 0;
            }
            const bool all = co_await test.eventually([&test] { return test.server->connections() == 201; });
            co_return all ? std::max<std::size_t>(1, resident_bytes() - before) : 0;
        }
    };
    const std::size_t growth = run(Body::run(*this));
    EXPECT_GT(growth, 0U) << "the good client was not served";
#if !defined(__has_feature) || !(__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
    // Both ends of 200 connections are in this process.
    EXPECT_LT(growth, 3'000'000U);
#endif
}

TEST_F(ServerTest, WhoDoesNotReadHarmsNobodyAndIsClosedInTheEnd) {
    const std::string path = testing::TempDir() + fmt::format("moldau-slow-{}", ::getpid());
    ASSERT_TRUE(runtime::write_atomically(disk, path, Bytes(1'000'000)));
    start({.max_idle = milliseconds(300)});
    const std::shared_ptr<const runtime::File> file = disk.open(path, runtime::OpenMode::read).value();
    services[0]->slices.assign(50, FileSlice{file, 0, 1'000'000});
    struct Body {
        static Task<bool> run(ServerTest& test) {
            auto slow = co_await test.connect_stream();
            write(*slow, request_frame(fetch_key, 1, {}, 4));
            const bool began = co_await test.eventually([&test] { return test.services[0]->served == 1; });
            auto client = co_await test.connect();
            const bool served = co_await test.echoes(*client, "hello");
            const bool gone = co_await test.eventually([&test] { return test.server->connections() == 0; });
            co_return began&& served&& gone;
        }
    };
    EXPECT_TRUE(run(Body::run(*this)));
    EXPECT_TRUE(disk.remove(path));
}

TEST_F(ServerTest, ARequestThatStopsArrivingEndsItsConnection) {
    start({.max_frame_pause = milliseconds(50)});
    struct Body {
        static Task<bool> run(ServerTest& test) {
            auto idle = co_await test.connect_stream();
            auto stalled = co_await test.connect_stream();
            const Bytes frame = request_frame(metadata_key, 1);
            write(*stalled, ByteView(frame).first(9));
            const bool ended = co_await ends(*stalled);
            co_return ended&& test.server->connections() == 1;  // the idle one stays
        }
    };
    EXPECT_TRUE(run(Body::run(*this)));
}

TEST_F(ServerTest, ARequestThatHoldsBackOthersMustArriveSwiftly) {
    start({.max_frame_pause = std::chrono::hours(1),
           .slow_frame_window = milliseconds(50),
           .request_budget_bytes = 64 * 1024});
    struct Body {
        static bool is_open(Stream& stream) {
            Bytes buffer(1);
            const auto count = stream.try_read_some(buffer);
            return !count && count.error().code == Errc::would_block;
        }
        static Task<bool> run(ServerTest& test) {
            auto client = co_await test.connect();
            auto slow = co_await test.connect_stream();
            Bytes begin = request_frame(metadata_key, 1, Bytes(100'000));
            begin.resize(70'000);
            write(*slow, begin);
            const auto deadline = test.in_time();
            while (is_open(*slow) && test.shard().now() < deadline) {
                const bool served = co_await test.echoes(*client, std::string(50'000, 'g'));
                if (!served) co_return false;
            }
            co_return !is_open(*slow);
        }
    };
    EXPECT_TRUE(run(Body::run(*this)));
}

TEST_F(ServerTest, IdleConnectionsAreClosedButNotThoseThatWaitForAnAnswer) {
    start({.max_idle = milliseconds(50)});
    struct Body {
        static Task<bool> run(ServerTest& test) {
            auto waiting = co_await test.connect_stream();
            write(*waiting, request_frame(produce_key, 1, {}, 3));
            const bool began = co_await test.eventually([&test] { return !test.services[0]->held.empty(); });
            auto idle = co_await test.connect_stream();
            const bool ended = co_await ends(*idle);
            const bool stayed = test.server->connections() == 1;
            test.services[0]->answer_held();
            const bool ended_later = co_await ends(*waiting);
            co_return began&& ended&& stayed&& ended_later;
        }
    };
    EXPECT_TRUE(run(Body::run(*this)));
}

TEST_F(ServerTest, GarbageEndsTheConnection) {
    start();
    struct Body {
        static Task<bool> run(ServerTest& test) {
            auto stream = co_await test.connect_stream();
            write(*stream, bytes_of("GET / HTTP/1.1\r\n\r\n"));
            co_return co_await ends(*stream);
        }
    };
    EXPECT_TRUE(run(Body::run(*this)));
}

TEST_F(ServerTest, AnAnswerMayCloseTheConnection) {
    start();
    struct Body {
        static Task<bool> run(ServerTest& test) {
            auto client = co_await test.connect();
            const bool answered = co_await test.echoes(*client, "close");
            const auto later = co_await client->call(metadata_key, 0, {}, test.in_time());
            co_return answered && !later && later.error().code == Errc::closed;
        }
    };
    EXPECT_TRUE(run(Body::run(*this)));
}

TEST_F(ServerTest, RequestsThatWereReadAreServedAfterThePeerHasGone) {
    start();
    struct Body {
        static Task<bool> run(ServerTest& test) {
            {
                auto stream = co_await test.connect_stream();
                Bytes bytes;
                for (std::int32_t id = 1; id <= 3; ++id) append(bytes, request_frame(produce_key, id, {}, 3));
                write(*stream, bytes);
                stream->close();
            }
            co_return co_await test.eventually([&test] { return test.services[0]->served == 3; });
        }
    };
    EXPECT_TRUE(run(Body::run(*this)));
}

TEST_F(ServerTest, ConnectionsAboveTheLimitOfAnAddressAreClosed) {
    start({.max_connections_per_ip = 2});
    struct Body {
        static Task<bool> run(ServerTest& test) {
            auto first = co_await test.connect();
            auto second = co_await test.connect();
            auto excess = co_await test.connect_stream();
            const bool refused = co_await ends(*excess);
            const bool served = co_await test.echoes(*second, "hello");
            first->close();
            const bool left = co_await test.eventually([&test] { return test.server->connections() == 1; });
            auto later = co_await test.connect();
            const bool admitted = co_await test.echoes(*later, "hello");
            co_return refused&& served&& left&& admitted;
        }
    };
    EXPECT_TRUE(run(Body::run(*this)));
}

TEST_F(ServerTest, ConnectionsSpreadOverShards) {
    start({}, 2);
    struct Body {
        static Task<bool> run(ServerTest& test) {
            std::vector<std::unique_ptr<Client>> clients;
            for (int i = 0; i < 6; ++i) {
                clients.push_back(co_await test.connect());
                const bool served = co_await test.echoes(*clients.back(), "hello");
                if (!served) co_return false;
            }
            co_return test.services[0]->served == 3 && test.services[1]->served == 3;
        }
    };
    EXPECT_TRUE(run(Body::run(*this)));
}

TEST_F(ServerTest, StoppingAnswersWhatIsInFlight) {
    start({}, 2);
    struct Body {
        static Task<bool> run(ServerTest& test) {
            auto idle = co_await test.connect();
            auto stream = co_await test.connect_stream();
            write(*stream, request_frame(produce_key, 1, {}, 3));
            TestService& service = *test.services[1];
            const bool began = co_await test.eventually([&service] { return service.served == 1; });
            (*test.shards)[1].post([&service] { service.answer_held(); });
            const bool all_answered = co_await test.server->stop(test.in_time());
            Bytes answer(8);
            const auto count = stream->try_read_some(answer);
            const auto refused = co_await test.transport.connect(test.shard(), test.endpoint, test.in_time());
            co_return began&& all_answered&& count && *count == 8 && !refused;
        }
    };
    EXPECT_TRUE(run(Body::run(*this)));
}

TEST_F(ServerTest, StoppingCutsWhatIsNotAnsweredInTime) {
    start();
    struct Body {
        static Task<bool> run(ServerTest& test) {
            auto stream = co_await test.connect_stream();
            write(*stream, request_frame(produce_key, 1, {}, 3));
            const bool began = co_await test.eventually([&test] { return test.services[0]->served == 1; });
            const bool all_answered = co_await test.server->stop(test.shard().now() + milliseconds(30));
            const bool ended = co_await ends(*stream);
            co_return began && !all_answered && ended;
        }
    };
    EXPECT_TRUE(run(Body::run(*this)));
}

TEST_F(ServerTest, ACallWithoutAnAnswerTimesOutAndTheNextOneIsAnswered) {
    start();
    struct Body {
        static Task<bool> run(ServerTest& test) {
            auto client = co_await test.connect();
            const auto late = co_await client->call(produce_key, 3, {}, test.shard().now() + milliseconds(20));
            test.services[0]->answer_held();
            const bool served = co_await test.echoes(*client, "hello");
            co_return !late && late.error().code == Errc::timed_out && served;
        }
    };
    EXPECT_TRUE(run(Body::run(*this)));
}

}  // namespace
}  // namespace moldau::net
