// Random members, some of whom are slow, dead or doubled, with a coordinator that is replaced at any point, and cannot
// always write: no partition has two owners in a generation, no committed offset is lost, every request is answered.

#include <random>
#include <set>

#include "group_world.h"

namespace moldau::coordinator {
namespace {

/// A consumer as clients are: it joins, assigns when it leads, syncs, beats, commits, leaves or falls silent.
struct Consumer {
    std::string id;
    std::int32_t generation = -1;
    std::optional<Ticket> joining;
    std::optional<Ticket> syncing;
    std::set<std::string> owned;
    bool is_in_round = false;
};

class GroupRandomTest : public testing::TestWithParam<std::uint32_t> {
 protected:
    static constexpr int partitions = 6;

    void step(Consumer& consumer) {
        const auto was_refused = [&](std::optional<Ticket>& ticket) {
            if (!ticket || !world.refused.contains(*ticket)) return false;
            ticket.reset();
            consumer.generation = -1;
            return true;
        };
        if (was_refused(consumer.joining) || was_refused(consumer.syncing)) return;
        if (consumer.joining) {
            if (const auto* response = world.joined(*consumer.joining)) on_joined(consumer, *response);
        } else if (consumer.syncing) {
            if (const auto* response = world.synced(*consumer.syncing)) on_synced(consumer, *response);
        } else if (consumer.generation < 0) {
            consumer.joining = ask_to_join(consumer);
        } else {
            live(consumer);
        }
    }
    Ticket ask_to_join(const Consumer& consumer) {
        constexpr std::int32_t odd_times[] = {0, 1, -1, INT32_MIN, INT32_MAX};
        const bool is_odd = odd_times_left > 0 && draw(20) == 0;
        if (is_odd) --odd_times_left;
        return world.ask_to_join({.member = consumer.id,
                                  .rebalance_ms = is_odd ? odd_times[draw(std::size(odd_times))] : 60'000,
                                  .says = fmt::format("{}", draw(3))});
    }
    void on_joined(Consumer& consumer, const protocol::JoinGroupResponse& response) {
        consumer.joining.reset();
        if (response.error_code == ErrorCode::member_id_required) {
            consumer.id = response.member_id.str();
        } else if (response.error_code != ErrorCode::none) {
            start_over(consumer, response.error_code);
        } else {
            consumer.generation = response.generation_id;
            std::map<std::string, std::string> assignment;
            if (response.leader == response.member_id) {
                for (int i = 0; i < partitions; ++i)
                    assignment[response.members[static_cast<std::size_t>(i) % response.members.size()]
                                   .member_id.str()] += static_cast<char>('0' + i);
            }
            world.appends_fail = draw(10) == 0;
            consumer.syncing = world.ask_to_sync(consumer.id, consumer.generation, assignment);
            world.appends_fail = false;
        }
    }
    void on_synced(Consumer& consumer, const protocol::SyncGroupResponse& response) {
        consumer.syncing.reset();
        if (response.error_code != ErrorCode::none) return start_over(consumer, response.error_code);
        for (const char partition : text(response.assignment)) {
            auto& owner = owners[{consumer.generation, partition}];
            EXPECT_TRUE(owner.empty() || owner == consumer.id)
                << "generation " << consumer.generation << ": " << owner << " and " << consumer.id;
            owner = consumer.id;
        }
    }
    void live(Consumer& consumer) {
        switch (draw(12)) {
            case 0:
                if (world.leave(consumer.id) == ErrorCode::none) left.insert(consumer.id);
                consumer = {};
                break;
            case 1:  // it falls silent, and another of its kind comes later
                consumer = {};
                break;
            case 2:
            case 3:
            case 4:
                commit(consumer);
                break;
            case 5:
                consumer.joining = ask_to_join(consumer);
                break;
            default:
                if (const ErrorCode error = world.heartbeat(consumer.id, consumer.generation);
                    error == ErrorCode::rebalance_in_progress) {
                    consumer.generation = -1;
                } else if (error != ErrorCode::none) {
                    start_over(consumer, error);
                }
        }
    }
    void commit(Consumer& consumer) {
        const std::int32_t partition = draw(partitions);
        const std::int64_t offset = ++last_offset;
        const ErrorCode error =
            world.commit("t", partition, offset, {.member = consumer.id, .generation = consumer.generation});
        if (error == ErrorCode::none) {
            committed[partition] = offset;
        } else if (error != ErrorCode::rebalance_in_progress) {
            start_over(consumer, error);
        }
    }
    /// As clients do.
    static void start_over(Consumer& consumer, ErrorCode error) {
        consumer.generation = -1;
        if (error == ErrorCode::unknown_member_id) consumer.id.clear();
    }
    void replace_coordinator() {
        world.restart();
        for (Consumer& consumer : consumers) {
            if (consumer.joining || consumer.syncing) consumer.generation = -1;
            consumer.joining.reset();
            consumer.syncing.reset();
        }
    }
    void check_offsets() {
        for (const auto& [partition, offset] : committed) ASSERT_EQ(world.committed("t", partition), offset);
    }
    std::int32_t draw(std::int32_t below) { return std::uniform_int_distribution<std::int32_t>(0, below - 1)(random); }

    std::mt19937 random{GetParam()};
    GroupWorld world;
    std::vector<Consumer> consumers{5};
    std::map<std::pair<std::int32_t, char>, std::string> owners;
    std::map<std::int32_t, std::int64_t> committed;
    std::set<std::string> left;
    std::int64_t last_offset = 0;
    int odd_times_left = 50;  ///< so that the end is not one of them
};

TEST_P(GroupRandomTest, NoPartitionHasTwoOwnersAndNoOffsetIsLost) {
    for (int i = 0; i < 3000; ++i) {
        step(consumers[static_cast<std::size_t>(draw(static_cast<std::int32_t>(consumers.size())))]);
        if (draw(4) == 0) {
            world.appends_fail = draw(10) == 0;
            world.advance(draw(2000));
            world.appends_fail = false;
        }
        if (draw(200) == 0) replace_coordinator();
        if (draw(50) == 0) check_offsets();
    }
    // In the end those who stay have a stable group together.
    for (int i = 0; i < 400 && !HasFailure(); ++i) {
        for (Consumer& consumer : consumers) {
            if (consumer.generation >= 0 && !consumer.joining && !consumer.syncing) {
                const ErrorCode error = world.heartbeat(consumer.id, consumer.generation);
                if (error == ErrorCode::rebalance_in_progress) consumer.generation = -1;
                if (error != ErrorCode::none && error != ErrorCode::rebalance_in_progress) start_over(consumer, error);
            } else {
                step(consumer);
            }
        }
        world.advance(1000);
    }
    check_offsets();
    EXPECT_EQ(world.state(), "Stable");
    EXPECT_EQ(world.describe().members.size(), consumers.size());
}

INSTANTIATE_TEST_SUITE_P(Seeds, GroupRandomTest, testing::Range(1U, 31U));

}  // namespace
}  // namespace moldau::coordinator
