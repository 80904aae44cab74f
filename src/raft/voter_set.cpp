#include <utility>

#include <moldau/base/assert.h>
#include <moldau/raft/voter_set.h>

namespace moldau::raft {

VoterSet::VoterSet(std::vector<Voter> voters) {
    for (auto& voter : voters) {
        const NodeId id = voter.key.id;
        const bool added = voters_.emplace(id, std::move(voter)).second;
        MOLDAU_ASSERT(added);
    }
}

VoterSet VoterSet::from_record(const protocol::VotersRecord& record) {
    VoterSet set;
    for (const auto& from : record.voters) {
        Voter voter{.key = {from.voter_id, from.voter_directory_id},
                    .endpoints = {},
                    .min_kraft_version = from.kraft_version_feature.min_supported_version,
                    .max_kraft_version = from.kraft_version_feature.max_supported_version};
        for (const auto& endpoint : from.endpoints) {
            voter.endpoints.push_back({endpoint.name.str(), endpoint.host.str(), endpoint.port});
        }
        set.voters_.insert_or_assign(from.voter_id, std::move(voter));
    }
    return set;
}

protocol::VotersRecord VoterSet::to_record() const {
    protocol::VotersRecord record;
    for (const auto& [id, voter] : voters_) {
        auto& to = record.voters.emplace_back();
        to.voter_id = id;
        to.voter_directory_id = voter.key.directory_id;
        for (const auto& endpoint : voter.endpoints) {
            to.endpoints.push_back({.name = protocol::Text::borrow(endpoint.listener),
                                    .host = protocol::Text::borrow(endpoint.host),
                                    .port = endpoint.port});
        }
        to.kraft_version_feature = {voter.min_kraft_version, voter.max_kraft_version};
    }
    return record;
}

bool VoterSet::contains(const ReplicaKey& replica) const {
    const auto found = voters_.find(replica.id);
    if (found == voters_.end()) return false;
    const DirectoryId& directory = found->second.key.directory_id;
    return directory.is_zero() || directory == replica.directory_id;
}

std::vector<NodeId> VoterSet::ids() const {
    std::vector<NodeId> ids;
    ids.reserve(voters_.size());
    for (const auto& [id, voter] : voters_) ids.push_back(id);
    return ids;
}

void ControlHistory::set_base(std::int16_t kraft_version, std::optional<VoterSet> voters) {
    kraft_versions_.clear();
    kraft_versions_.emplace(no_offset, kraft_version);
    if (voters) {
        voters_.clear();
        voters_.emplace(no_offset, std::move(*voters));
    }
}

void ControlHistory::add(const ControlRecordAt& at) {
    if (const auto* version = std::get_if<protocol::KRaftVersionRecord>(&at.record)) {
        MOLDAU_ASSERT(kraft_versions_.empty() || kraft_versions_.rbegin()->first < at.offset);
        kraft_versions_.emplace(at.offset, version->kraft_version);
    } else if (const auto* voters = std::get_if<protocol::VotersRecord>(&at.record)) {
        MOLDAU_ASSERT(voters_.rbegin()->first < at.offset);
        voters_.emplace(at.offset, VoterSet::from_record(*voters));
    }
}

Result<> ControlHistory::add(const protocol::BatchView& control_batch) {
    MOLDAU_TRY(records, read_control_records(control_batch));
    for (const auto& record : records) add(record);
    return {};
}

void ControlHistory::truncate(Offset end) {
    MOLDAU_ASSERT(end > no_offset);
    kraft_versions_.erase(kraft_versions_.lower_bound(end), kraft_versions_.end());
    voters_.erase(voters_.lower_bound(end), voters_.end());
}

}  // namespace moldau::raft
