// The driver of a machine: what it holds back, what it undoes, what it loads. With a machine that adds up.

#include <moldau/coordinator/driver.h>

#include "unit/replication/partition_fixture.h"

namespace moldau::coordinator {
namespace {

using protocol::ErrorCode;

struct Add {
    std::uint8_t amount = 0;
};
struct AddLater {
    std::uint8_t amount = 0;
    std::int64_t wait_ms = 0;
};
struct AddMany {
    std::size_t times = 0;
    bool is_atomic = true;
};
struct Glance {};  ///< the total as it is decided
struct Total {
    int value = 0;
};

/// Its hard state is the sum of its records' values; what is to be added later is soft.
class Adder {
 public:
    using Answer = std::variant<Total>;
    using Out = Output<Answer>;

    void handle(Ticket ticket, const Add& add, const Caller&, const Context&, Out& out) {
        if (add.amount > 0) out.records.push_back(record(add.amount));
        out.answer(ticket, Total{total_ + add.amount});
    }
    void handle(Ticket ticket, const Glance&, const Caller&, const Context&, Out& out) {
        out.waits = false;
        out.answer(ticket, Total{total_});
    }
    void handle(Ticket ticket, const AddMany& add, const Caller&, const Context&, Out& out) {
        out.records.assign(add.times, record(1));
        out.is_atomic = add.is_atomic;
        out.answer(ticket, Total{total_ + static_cast<int>(add.times)});
    }
    void handle(Ticket ticket, const AddLater& add, const Caller&, const Context& context, Out&) {
        later_.emplace(context.now_ms + add.wait_ms, std::pair(ticket, add.amount));
    }
    Result<> replay(Offset, const protocol::RecordView& record) {
        if (!record.value) return fail(Errc::corrupt, "a record without value");
        total_ += record.value->front();
        return {};
    }
    void on_loaded(const Context&, Out&) {}
    std::int64_t next_deadline_ms() const { return later_.empty() ? never_ms : later_.begin()->first; }
    void tick(const Context& context, Out& out) {
        while (next_deadline_ms() <= context.now_ms) {
            const auto [ticket, amount] = later_.begin()->second;
            later_.erase(later_.begin());
            out.records.push_back(record(amount));
            out.answer(ticket, Total{total_ + amount});
        }
    }
    void on_append_failed(std::span<const Record> records, const Context&, Out& out) {
        undone += static_cast<int>(records.size());
        for (const auto& [at, added] : later_) out.answer(added.first, Total{-1});
        later_.clear();
    }

    int undone = 0;

 private:
    static Record record(std::uint8_t amount) { return {Bytes{'k'}, Bytes{amount}}; }

    int total_ = 0;
    std::multimap<std::int64_t, std::pair<Ticket, std::uint8_t>> later_;
};

class DriverTest : public replication::PartitionFixture {
 protected:
    using Told = std::shared_ptr<std::optional<Answered<Total>>>;

    void SetUp() override {
        PartitionFixture::SetUp();
        open();
    }
    void TearDown() override {
        driver->stop();
        settle();
        driver.reset();
    }
    /// As after a power failure, when there was one before.
    void open() {
        if (driver) {
            disk.lose_unsynced();
            driver->stop();
            settle();
            driver.reset();
            partition.reset();
        }
        auto opened = storage::Log::open({.disk = disk,
                                          .directory = storage::log_directory,
                                          .name = {"topic", PartitionIndex(0)},
                                          .now = shard.clock().wall_time()});
        ASSERT_TRUE(opened) << opened.error().message;
        partition = std::make_shared<replication::Partition>(tools, std::move(*opened), replication::PartitionConfig{});
        partition->become_leader(LeaderEpoch(++epoch));
        driver = std::make_shared<Driver<Adder>>(partition, disk, [this] {
            auto machine = std::make_unique<Adder>();
            adder = machine.get();
            return machine;
        });
        driver->start();
    }
    template <class Request>
    Told ask(const Request& request) {
        const auto told = std::make_shared<std::optional<Answered<Total>>>();
        runtime::spawn(shard, [](auto on, Request what, Told into) -> runtime::Task<void> {
            into->emplace(co_await on->template call<Total>(on->shard(), what, {}));
        }(driver, request, told));
        while (shard.run_ready()) {
        }
        return told;
    }
    template <class Request>
    int total(const Request& request) {
        const Told told = ask(request);
        settle();
        if (!*told || !**told) return -1;
        return (**told)->value;
    }

    std::shared_ptr<replication::Partition> partition;
    std::shared_ptr<Driver<Adder>> driver;
    Adder* adder = nullptr;
    int epoch = 0;
};

TEST_F(DriverTest, AnswersWhenItIsLoaded) {
    settle();
    EXPECT_EQ(total(Add{1}), 1);
    open();
    EXPECT_EQ((*ask(Add{1}))->error(), ErrorCode::coordinator_load_in_progress);
    settle();
    EXPECT_EQ(total(Add{1}), 2);
}

TEST_F(DriverTest, WhatIsNotAtomicIsWrittenInAsManyBatchesAsItTakes) {
    settle();
    const auto limited = [this](std::size_t bytes) {
        replication::PartitionConfig config;
        config.validator.max_message_bytes = bytes;
        partition->set_config(config, partition->log().config());
    };
    limited(200);
    EXPECT_EQ(total(AddMany{100}), -1) << "one batch or none";
    EXPECT_EQ(adder->undone, 100);
    EXPECT_EQ(total(AddMany{100, false}), 100);
    EXPECT_EQ(partition->log().log_end(), Offset(100));
    open();
    settle();
    EXPECT_EQ(total(Add{0}), 100);
    // What was written before the disk is full stays; the rest is undone.
    limited(200);
    disk.capacity_bytes = disk.used_bytes() + 300;
    EXPECT_EQ(total(AddMany{100, false}), -1);
    disk.capacity_bytes = UINT64_MAX;
    const auto written = static_cast<int>(partition->log().log_end().value()) - 100;
    EXPECT_GT(written, 0);
    EXPECT_EQ(adder->undone, 100 - written);
    EXPECT_EQ(total(Add{0}), 100 + written);
}

TEST_F(DriverTest, HoldsAnAnswerBackUntilAllThatWasWrittenBeforeIsOnDisk) {
    settle();
    const Told written = ask(Add{1});
    const Told read = ask(Add{0});
    EXPECT_FALSE(*written) << "nothing is on disk yet";
    EXPECT_FALSE(*read) << "it would tell what may be lost";
    EXPECT_EQ((**ask(Glance{}))->value, 1) << "who bears that does not wait";
    const Told next = ask(Add{2});
    settle();
    EXPECT_EQ((**written)->value, 1);
    EXPECT_EQ((**read)->value, 1);
    EXPECT_EQ((**next)->value, 3) << "who comes next decides on what is not committed yet";
    EXPECT_EQ((**ask(Add{0}))->value, 3) << "and where all is committed nobody waits";
}

TEST_F(DriverTest, LoadsWhatWasAnsweredAndWhatWasOnDiskBesides) {
    settle();
    ASSERT_EQ(total(Add{1}), 1);
    ASSERT_EQ(total(Add{2}), 3);
    const Told lost = ask(Add{4});
    EXPECT_FALSE(*lost);
    open();
    EXPECT_EQ((**lost).error(), ErrorCode::not_coordinator);
    settle();
    EXPECT_EQ(total(Add{0}), 3);
}

TEST_F(DriverTest, LoadsManyBatches) {
    settle();
    for (int i = 0; i < 300; ++i) ASSERT_EQ(total(Add{1}), i + 1);
    open();
    settle();
    EXPECT_EQ(total(Add{0}), 300);
}

TEST_F(DriverTest, UndoesWhatCannotBeWritten) {
    settle();
    ASSERT_EQ(total(Add{1}), 1);
    const Told later = ask(AddLater{2, 10'000});
    disk.capacity_bytes = disk.used_bytes();
    const Told refused = ask(Add{3});
    settle();
    ASSERT_TRUE(*refused);
    EXPECT_EQ((**refused).error(), ErrorCode::kafka_storage_error);
    EXPECT_EQ(adder->undone, 1);
    EXPECT_EQ((**later)->value, -1) << "the machine answers who waited on what is undone";
    EXPECT_EQ(total(Add{0}), 1);
    disk.capacity_bytes = std::numeric_limits<std::uint64_t>::max();
    shard.advance(std::chrono::seconds(60));
    settle();
    EXPECT_EQ(total(Add{5}), 6) << "with room it goes on";
}

TEST_F(DriverTest, TellsTheMachineThatTimeHasPassed) {
    settle();
    const Told second = ask(AddLater{2, 2000});
    const Told first = ask(AddLater{1, 1000});
    shard.advance(std::chrono::milliseconds(999));
    settle();
    EXPECT_FALSE(*first);
    shard.advance(std::chrono::milliseconds(1));
    settle();
    EXPECT_EQ((**first)->value, 1);
    EXPECT_FALSE(*second);
    shard.advance(std::chrono::seconds(1));
    settle();
    EXPECT_EQ((**second)->value, 3);
}

TEST_F(DriverTest, WhoWaitsIsToldThatItCoordinatesNoMore) {
    settle();
    const Told waiting = ask(AddLater{1, 1000});
    const Told written = ask(Add{1});
    driver->stop();
    settle();
    EXPECT_EQ((**waiting).error(), ErrorCode::not_coordinator);
    EXPECT_EQ((**written).error(), ErrorCode::not_coordinator);
    EXPECT_EQ((**ask(Add{1})).error(), ErrorCode::not_coordinator);
    shard.advance(std::chrono::seconds(10));
    settle();
}

TEST_F(DriverTest, StopsWhenItsPartitionIsLedNoMore) {
    settle();
    const Told written = ask(Add{1});
    const Told waiting = ask(AddLater{1, 1000});
    partition->resign();
    settle();
    EXPECT_EQ((**written).error(), ErrorCode::not_coordinator);
    EXPECT_EQ((**waiting).error(), ErrorCode::not_coordinator);
}

TEST_F(DriverTest, StopsWhenItsLogFails) {
    settle();
    disk.fail_sync = true;
    const Told written = ask(Add{1});
    settle();
    EXPECT_EQ((**written).error(), ErrorCode::not_coordinator);
    disk.fail_sync = false;
}

}  // namespace
}  // namespace moldau::coordinator
