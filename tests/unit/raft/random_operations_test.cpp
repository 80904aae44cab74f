#include <map>
#include <random>

#include "unit/raft/samples.h"

namespace moldau::raft {
namespace {

/// A disk that makes durable what was written in arbitrary steps, and forgets the rest in a crash.
class RandomRun {
 public:
    explicit RandomRun(std::uint32_t seed) : random_(seed) {}

    void run(int steps) {
        start();
        for (int i = 0; i < steps; ++i) {
            step();
            check();
        }
    }

    int restarts = 0;
    int elections = 0;
    Offset committed{0};

 private:
    bool one_in(int n) { return random_() % static_cast<unsigned>(n) == 0; }

    void start() {
        Recovered recovered = fresh();
        recovered.election = durable_state_;
        for (const auto& [offset, append] : durable_) {
            recovered.log_end = append.end_offset;
            recovered.last_epoch = append.epoch;
            const protocol::BatchView batch(append.batches);
            if (batch.is_control()) ASSERT_TRUE(recovered.control.add(batch));
        }
        recovered.durable_end = recovered.log_end;
        written_.clear();
        state_.reset();
        last_applied_ = Offset(0);
        core_.emplace(opened(std::move(recovered)));
    }

    void step() {
        switch (random_() % 6) {
            case 0:
                core_->tick(now());
                break;
            case 1: {
                const std::vector<Bytes> values(1 + random_() % 3, Bytes{1});
                const bool leads = core_->role() == RoleKind::leader;
                EXPECT_EQ(core_->propose(core_->epoch(), values, now()).has_value(), leads);
                break;
            }
            case 2:
                make_log_durable();
                break;
            case 3:
                if (state_) durable_state_ = *std::exchange(state_, std::nullopt);
                core_->on_persisted({.durable_end = durable_end(), .state = durable_state_});
                break;
            case 4:
                if (one_in(30)) core_->resign(now());
                break;
            default:
                if (!one_in(8)) break;
                ++restarts;
                start();
        }
        take();
    }

    void make_log_durable() {
        for (auto count = random_() % 3; count > 0 && !written_.empty(); --count) {
            auto first = written_.begin();
            // The same place in the log is never written twice in one epoch.
            EXPECT_TRUE(used_.emplace(std::pair(first->second.epoch, first->first), first->second.batches).second);
            durable_.insert(written_.extract(first));
        }
        core_->on_persisted({.durable_end = durable_end(), .state = std::nullopt});
    }

    void take() {
        Output output = core_->take_output();
        if (output.persist.state) {
            EXPECT_GT(output.persist.state->state.epoch, durable_state_.epoch);
            state_ = output.persist.state->state;
        }
        for (auto& append : output.persist.appends) {
            EXPECT_EQ(append.base_offset, written_.empty() ? durable_end() : written_.rbegin()->second.end_offset);
            written_.emplace(append.base_offset, std::move(append));
        }
        if (output.apply) {
            EXPECT_EQ(output.apply->begin, last_applied_);
            EXPECT_LT(output.apply->begin, output.apply->end);
            last_applied_ = output.apply->end;
            committed = std::max(committed, last_applied_);
        }
        if (output.leadership && output.leadership->leader_id == self.id) ++elections;
    }

    void check() {
        EXPECT_EQ(core_->high_watermark(), last_applied_);
        EXPECT_LE(core_->high_watermark(), durable_end());
        EXPECT_LE(committed, durable_end()) << "a committed record was lost";
        // No record of the epoch counts before the epoch itself is on disk.
        for (const auto& [offset, append] : durable_) {
            if (append.epoch == core_->epoch() && durable_state_.epoch < append.epoch) {
                EXPECT_LE(core_->high_watermark(), offset);
            }
        }
    }

    Offset durable_end() const { return durable_.empty() ? Offset(0) : durable_.rbegin()->second.end_offset; }
    Now now() { return at(++time_); }

    std::mt19937 random_;
    std::int64_t time_ = 0;
    std::optional<Core> core_;
    std::map<Offset, Append> durable_;
    std::map<Offset, Append> written_;
    std::map<std::pair<LeaderEpoch, Offset>, Bytes> used_;
    ElectionState durable_state_;
    std::optional<ElectionState> state_;  ///< written, not durable
    Offset last_applied_{0};
};

TEST(RandomOperations, CommittedRecordsSurviveAnyOrderOfWritesAndCrashes) {
    Offset committed{0};
    int restarts = 0;
    int elections = 0;
    for (std::uint32_t seed = 1; seed <= 300; ++seed) {
        SCOPED_TRACE(seed);
        RandomRun run(seed);
        run.run(300);
        if (testing::Test::HasFailure()) return;
        committed = std::max(committed, run.committed);
        restarts += run.restarts;
        elections += run.elections;
    }
    EXPECT_GT(committed, Offset(80));
    EXPECT_GT(restarts, 1000);
    EXPECT_GT(elections, 1000);
}

}  // namespace
}  // namespace moldau::raft
