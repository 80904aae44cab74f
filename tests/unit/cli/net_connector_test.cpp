#include "net_connector.h"

#include <chrono>

#include <gtest/gtest.h>

#include "support/manual_shard.h"

namespace moldau::cli {
namespace {

using namespace std::chrono_literals;
using runtime::Handler;

/// A broker that takes connections, reads nothing and says nothing.
class DeafStream final : public runtime::Stream {
 public:
    explicit DeafStream(runtime::Shard& shard) : shard_(shard) {}
    ~DeafStream() override { close(); }

    Result<std::size_t> try_read_some(MutableBytes) override { return fail(Errc::would_block, "nothing came"); }
    void async_wait_readable(Handler<Result<>> handler) override { wait(std::move(handler)); }
    Result<std::size_t> try_write(std::span<const ByteView>) override { return std::size_t{0}; }
    void async_wait_writable(Handler<Result<>> handler) override { wait(std::move(handler)); }
    Result<std::size_t> try_send_file(const runtime::File&, std::uint64_t, std::size_t) override {
        return fail(Errc::unsupported, "it sends no files");
    }
    void close() override {
        closed_ = true;
        for (auto& each : std::exchange(waiting_, {})) complete(std::move(each));
    }
    const runtime::Endpoint& peer() const override { return endpoint_; }
    const runtime::Endpoint& local() const override { return endpoint_; }

 private:
    void wait(Handler<Result<>> handler) {
        if (closed_) return complete(std::move(handler));
        waiting_.push_back(std::move(handler));
    }
    void complete(Handler<Result<>> handler) {
        shard_.post(
            [handler = std::move(handler)]() mutable { std::move(handler)(fail(Errc::closed, "it is closed")); });
    }

    runtime::Shard& shard_;
    const runtime::Endpoint endpoint_{"deaf", 9092};
    std::vector<Handler<Result<>>> waiting_;
    bool closed_ = false;
};

class DeafTransport final : public runtime::Transport {
 public:
    Result<std::unique_ptr<runtime::Listener>> listen(runtime::Shard&, const runtime::Endpoint&) override {
        return fail(Errc::unsupported, "nobody listens");
    }
    void async_connect(runtime::Shard& shard, const runtime::Endpoint&, runtime::TimePoint,
                       Handler<Result<std::unique_ptr<runtime::Stream>>> handler) override {
        shard.post([&shard, handler = std::move(handler)]() mutable {
            std::move(handler)(std::unique_ptr<runtime::Stream>(std::make_unique<DeafStream>(shard)));
        });
    }
};

class UnansweredRequest : public testing::Test {
 protected:
    void SetUp() override {
        runtime::spawn(shard, [](UnansweredRequest& test) -> runtime::Task<void> {
            auto connected = co_await test.connector.connect({"deaf", 9092}, test.deadline);
            test.connection = *connected;
            Call call;
            call.body = Bytes(100);
            call.deadline = test.deadline;
            call.answered = false;
            test.outcome = co_await test.connection->call(std::move(call));
        }(*this));
        shard.run_ready();
        ASSERT_TRUE(connection);
        ASSERT_FALSE(outcome) << "the broker takes nothing";
    }
    void TearDown() override {
        connection->close();
        shard.run_ready();
    }

    runtime::ManualShard shard;
    DeafTransport transport;
    NetConnector connector{shard, transport};
    const runtime::TimePoint deadline = shard.now() + 10s;
    std::shared_ptr<Connection> connection;
    std::optional<Result<net::Answer>> outcome;
};

TEST_F(UnansweredRequest, WaitsForABrokerThatTakesNothingUntilItsDeadline) {
    shard.advance(9s);
    EXPECT_FALSE(outcome);
    shard.advance(2s);
    ASSERT_TRUE(outcome);
    EXPECT_FALSE(*outcome);
}

TEST_F(UnansweredRequest, EndsWhenItsConnectionIsClosed) {
    connection->close();
    shard.run_ready();
    ASSERT_TRUE(outcome);
    EXPECT_FALSE(*outcome);
}

}  // namespace
}  // namespace moldau::cli
