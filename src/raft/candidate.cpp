// Stands for election in a new epoch, having voted for itself.

#include <moldau/base/assert.h>

#include "roles.h"

namespace moldau::raft {
namespace {

class Candidate final : public Role {
 public:
    explicit Candidate(LeaderEpoch epoch) : epoch_(epoch) {}

    RoleKind kind() const override { return RoleKind::candidate; }
    ElectionState election() const override { return {.epoch = epoch_, .leader_id = no_node, .voted = self_}; }

    RolePtr enter(Context& context, Now) override {
        self_ = context.options().self;
        // The own vote need not be on disk on its own: it is the majority, and the leader's state replaces it.
        MOLDAU_ASSERT(context.is_only_voter());
        return leader(epoch_, {self_.id});
    }

 private:
    LeaderEpoch epoch_;
    ReplicaKey self_;
};

}  // namespace

RolePtr candidate(LeaderEpoch epoch) {
    return std::make_unique<Candidate>(epoch);
}

}  // namespace moldau::raft
