// Requests and their answers.

#include <unistd.h>

#include "server_fixture.h"

namespace moldau::net {
namespace {

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
