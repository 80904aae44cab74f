// Was the leader of its epoch, and so must neither vote nor write in it any more. Nothing is saved: the file still
// names it as the leader, and that is how it begins after a restart.

#include <moldau/base/assert.h>

#include "roles.h"

namespace moldau::raft {
namespace {

class Resigned final : public Role {
 public:
    Resigned(const ElectionState& election, Standing standing) : election_(election), standing_(standing) {}

    RoleKind kind() const override { return RoleKind::resigned; }
    ElectionState election() const override { return election_; }

    RolePtr tick(Context& context, Now) override {
        if (standing_ == Standing::no_more) return nullptr;
        MOLDAU_ASSERT(context.is_only_voter());  // else it would wait for the election timeout
        return prospective(election_);
    }

 private:
    ElectionState election_;
    Standing standing_;
};

}  // namespace

RolePtr resigned(const ElectionState& election, Standing standing) {
    return std::make_unique<Resigned>(election, standing);
}

}  // namespace moldau::raft
