#include <algorithm>

#include <fmt/format.h>

#include <moldau/base/assert.h>
#include <moldau/raft/core.h>

#include "roles.h"

namespace moldau::raft {
namespace {

bool allowed(RoleKind from, RoleKind to) {
    return std::ranges::any_of(transitions, [&](const Transition& t) { return t.from == from && t.to == to; });
}

RolePtr first_role(const ReplicaKey& self, const Recovered& recovered) {
    // The log may be ahead of the file, which is written first, only where the file was lost.
    if (recovered.last_epoch > recovered.election.epoch) {
        return unattached({.epoch = recovered.last_epoch, .leader_id = no_node, .voted = std::nullopt});
    }
    if (recovered.election.leader_id == self.id) return resigned(recovered.election, Standing::again);
    // With other voters a known leader would be followed from the start.
    return unattached({.epoch = recovered.election.epoch, .leader_id = no_node, .voted = recovered.election.voted});
}

}  // namespace

std::string_view to_string(RoleKind role) {
    constexpr std::string_view names[] = {"unattached", "prospective", "candidate", "leader", "follower", "resigned"};
    return names[static_cast<std::size_t>(role)];
}

Result<Core> Core::open(Options options, Recovered recovered) {
    const VoterSet& voters = recovered.control.voters();
    if (!voters.is_only_voter(options.self)) {
        std::string ids;
        for (const auto& [id, voter] : voters.voters()) ids += fmt::format(" {}/{}", id, voter.key.directory_id);
        return fail(Errc::unsupported,
                    fmt::format("node {} with metadata directory {}, as meta.properties has it, must be the only voter "
                                "of the metadata quorum, but its voters are:{}. Larger quorums are not supported yet",
                                options.self.id, options.self.directory_id,
                                ids.empty() ? " none (of a directory that was formatted for a static quorum, "
                                              "controller.quorum.voters names them)"
                                            : ids));
    }
    RolePtr role = first_role(options.self, recovered);
    return Core(std::make_unique<Context>(options, std::move(recovered)), std::move(role));
}

Core::Core(std::unique_ptr<Context> context, RolePtr role) : context_(std::move(context)), role_(std::move(role)) {}
Core::Core(Core&&) noexcept = default;
Core& Core::operator=(Core&&) noexcept = default;
Core::~Core() = default;

void Core::settle(RolePtr next, Now now) {
    while (next) {
        MOLDAU_ASSERT(allowed(role_->kind(), next->kind()));
        role_ = std::move(next);
        next = role_->enter(*context_, now);
    }
}

void Core::tick(Now now) {
    settle(role_->tick(*context_, now), now);
}

void Core::step(const Message& message, Now now) {
    settle(role_->step(*context_, message, now), now);
}

std::expected<Offset, ProposeRefusal> Core::propose(LeaderEpoch epoch, std::span<const Bytes> values, Now now,
                                                    Grouping grouping) {
    if (role() != RoleKind::leader || role_->epoch() != epoch) return std::unexpected(ProposeRefusal::not_leader);
    const auto last = context_->append_records(epoch, values, now.wall, grouping);
    if (!last) return std::unexpected(ProposeRefusal::too_large);
    return *last;
}

void Core::resign(Now now) {
    settle(role_->resign(*context_, now), now);
}

void Core::on_persisted(const Persisted& persisted) {
    context_->note_persisted(persisted);
    role_->on_persisted(*context_);
}

Output Core::take_output() {
    Output output = context_->take_output();
    output.next_deadline = role_->deadline();
    return output;
}

RoleKind Core::role() const {
    return role_->kind();
}
LeaderEpoch Core::epoch() const {
    return role_->epoch();
}
NodeId Core::leader_id() const {
    return role() == RoleKind::resigned ? no_node : role_->election().leader_id;
}
Offset Core::log_end() const {
    return context_->log_end();
}
Offset Core::high_watermark() const {
    return context_->high_watermark();
}
std::int16_t Core::kraft_version() const {
    return context_->control().kraft_version();
}
const VoterSet& Core::voters() const {
    return context_->control().voters();
}

protocol::DescribeQuorumResponse Core::describe_quorum(Now now) const {
    using protocol::Text;
    protocol::DescribeQuorumResponse response;
    auto& topic = response.topics.emplace_back();
    topic.topic_name = Text::borrow(metadata_topic_name);
    auto& partition = topic.partitions.emplace_back();
    partition.leader_id = leader_id();
    partition.leader_epoch = epoch();
    if (role() != RoleKind::leader) {
        partition.error_code = protocol::ErrorCode::not_leader_or_follower;
        return response;
    }
    partition.high_watermark = high_watermark();
    for (const auto& [id, voter] : voters().voters()) {
        partition.current_voters.push_back({.replica_id = id,
                                            .replica_directory_id = voter.key.directory_id,
                                            .log_end_offset = log_end(),
                                            .last_fetch_timestamp = now.wall,
                                            .last_caught_up_timestamp = now.wall});
        auto& node = response.nodes.emplace_back();
        node.node_id = id;
        for (const Endpoint& endpoint : voter.endpoints) {
            node.listeners.push_back(
                {.name = Text(endpoint.listener), .host = Text(endpoint.host), .port = endpoint.port});
        }
    }
    return response;
}

}  // namespace moldau::raft
