// Leads an epoch: writes the log, and knows how far it is committed.

#include <moldau/base/assert.h>

#include "roles.h"

namespace moldau::raft {
namespace {

class Leader final : public Role {
 public:
    Leader(LeaderEpoch epoch, std::vector<NodeId> granting_voters)
        : epoch_(epoch), granting_voters_(std::move(granting_voters)) {}

    RoleKind kind() const override { return RoleKind::leader; }
    ElectionState election() const override { return {.epoch = epoch_, .leader_id = self_, .voted = std::nullopt}; }

    RolePtr enter(Context& context, Now now) override {
        self_ = context.options().self.id;
        epoch_start_ = context.log_end();
        context.save(election());
        append_start_of_epoch(context, now.wall);
        advance(context);
        context.announce({.epoch = epoch_, .leader_id = self_, .epoch_start = epoch_start_});
        return nullptr;
    }

    RolePtr resign(Context& context, Now) override {
        context.announce({.epoch = epoch_, .leader_id = no_node, .epoch_start = no_offset});
        return resigned(election(), Standing::no_more);
    }

    void on_persisted(Context& context) override { advance(context); }

 private:
    void append_start_of_epoch(Context& context, Timestamp timestamp) {
        const ControlHistory& control = context.control();
        protocol::LeaderChangeMessage change;
        change.leader_id = self_;
        for (const NodeId id : control.voters().ids()) change.voters.push_back({.voter_id = id});
        for (const NodeId id : granting_voters_) change.granting_voters.push_back({.voter_id = id});

        std::vector<ControlRecord> records{change};
        const VoterSet voters = control.voters();
        if (epoch_start_ == Offset(0) && control.kraft_version() >= 1) {
            // What the formatting wrote into the snapshot 0-0 becomes part of the log.
            protocol::KRaftVersionRecord version;
            version.kraft_version = control.kraft_version();
            records.emplace_back(version);
            records.emplace_back(voters.to_record());
        }
        context.append_control(epoch_, records, timestamp);
    }

    // What an only voter has on disk is committed, also what earlier epochs left: nobody else can be elected who lacks
    // it. Records of this epoch wait for the epoch itself to be on disk, or it could be used twice.
    void advance(Context& context) {
        MOLDAU_ASSERT(context.is_only_voter());
        const Offset durable = context.durable_end();
        context.commit_to(context.is_saved(election()) ? durable : std::min(durable, epoch_start_));
    }

    LeaderEpoch epoch_;
    std::vector<NodeId> granting_voters_;
    NodeId self_ = no_node;
    Offset epoch_start_ = no_offset;
};

}  // namespace

RolePtr leader(LeaderEpoch epoch, std::vector<NodeId> granting_voters) {
    return std::make_unique<Leader>(epoch, std::move(granting_voters));
}

}  // namespace moldau::raft
