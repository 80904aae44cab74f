// How connections come, are bounded, and end.

#include <fstream>
#include <unistd.h>

#include "server_fixture.h"

namespace moldau::net {
namespace {

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

TEST_F(ServerTest, ALimitOfNoneRefusesAllButThoseThatAreNamed) {
    start({.max_connections_per_ip = 0, .max_connections_of = {{"127.0.0.1", 2}}});
    struct Body {
        static Task<bool> run(ServerTest& test) {
            auto first = co_await test.connect();
            auto second = co_await test.connect();
            auto excess = co_await test.connect_stream();
            const bool refused = co_await ends(*excess);
            const bool first_served = co_await test.echoes(*first, "hello");
            const bool second_served = co_await test.echoes(*second, "hello");
            co_return refused&& first_served&& second_served;
        }
    };
    EXPECT_TRUE(run(Body::run(*this)));
}

TEST_F(ServerTest, ALimitOfNoneRefusesStrangers) {
    start({.max_connections_per_ip = 0, .max_connections_of = {{"192.0.2.1", 2}}});
    struct Body {
        static Task<bool> run(ServerTest& test) {
            auto stranger = co_await test.connect_stream();
            const bool refused = co_await ends(*stranger);
            co_return refused&& test.server->connections() == 0;
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

}  // namespace
}  // namespace moldau::net
