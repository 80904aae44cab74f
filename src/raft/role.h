#pragma once
// A role of the replica. A call gives the role to change to, or null to stay. Roles are made by the function of their
// name in roles.h; what only one of them knows stays in its file.

#include <memory>
#include <optional>

#include "context.h"

namespace moldau::raft {

class Role {
 public:
    virtual ~Role() = default;

    virtual RoleKind kind() const = 0;
    /// What the quorum-state file is to hold in this role.
    virtual ElectionState election() const = 0;

    /// Called once, when the role begins.
    virtual std::unique_ptr<Role> enter(Context&, Now) { return nullptr; }
    virtual std::unique_ptr<Role> tick(Context&, Now) { return nullptr; }
    virtual std::unique_ptr<Role> step(Context&, const Message&, Now);
    virtual std::unique_ptr<Role> resign(Context&, Now) { return nullptr; }
    virtual void on_persisted(Context&) {}
    virtual std::optional<MonotonicMs> deadline() const { return std::nullopt; }

    LeaderEpoch epoch() const { return election().epoch; }
};

using RolePtr = std::unique_ptr<Role>;

}  // namespace moldau::raft
