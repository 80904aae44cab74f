// Asks whether it would win before it disturbs anyone with a higher epoch (pre-vote, KIP-996).

#include <moldau/base/assert.h>

#include "roles.h"

namespace moldau::raft {
namespace {

class Prospective final : public Role {
 public:
    explicit Prospective(const ElectionState& election) : election_(election) {}

    RoleKind kind() const override { return RoleKind::prospective; }
    ElectionState election() const override { return election_; }

    RolePtr enter(Context& context, Now) override {
        MOLDAU_ASSERT(context.is_only_voter());  // else it would ask the others
        return candidate(election_.epoch + 1);
    }

 private:
    ElectionState election_;
};

}  // namespace

RolePtr prospective(const ElectionState& election) {
    return std::make_unique<Prospective>(election);
}

}  // namespace moldau::raft
