// Knows an epoch and perhaps whom it voted for, but no leader.

#include <moldau/base/assert.h>

#include "roles.h"

namespace moldau::raft {
namespace {

class Unattached final : public Role {
 public:
    explicit Unattached(const ElectionState& election) : election_(election) {}

    RoleKind kind() const override { return RoleKind::unattached; }
    ElectionState election() const override { return election_; }

    RolePtr tick(Context& context, Now) override {
        MOLDAU_ASSERT(context.is_only_voter());  // else it would wait for the election timeout
        return prospective(election_);
    }

 private:
    ElectionState election_;
};

}  // namespace

RolePtr unattached(const ElectionState& election) {
    return std::make_unique<Unattached>(election);
}

}  // namespace moldau::raft
