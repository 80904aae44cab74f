#pragma once
// Who votes. A voter set is a value; ControlHistory knows which one holds at the end of the log, and goes back when the
// log is truncated. Pure; owned by the core.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <moldau/base/ids.h>
#include <moldau/protocol/records/voters_record.h>
#include <moldau/raft/control_records.h>
#include <moldau/raft/types.h>

namespace moldau::raft {

struct Endpoint {
    std::string listener;
    std::string host;
    std::uint16_t port = 0;

    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct Voter {
    ReplicaKey key;
    std::vector<Endpoint> endpoints;
    std::int16_t min_kraft_version = 0;
    std::int16_t max_kraft_version = 1;

    friend bool operator==(const Voter&, const Voter&) = default;
};

class VoterSet {
 public:
    VoterSet() = default;
    explicit VoterSet(std::vector<Voter> voters);
    static VoterSet from_record(const protocol::VotersRecord& record);

    /// Texts borrow from this set.
    protocol::VotersRecord to_record() const;

    /// A voter without directory id (kraft.version 0) stands for any directory of its node.
    bool contains(const ReplicaKey& replica) const;
    bool is_only_voter(const ReplicaKey& replica) const { return voters_.size() == 1 && contains(replica); }

    bool empty() const { return voters_.empty(); }
    std::size_t size() const { return voters_.size(); }
    /// In order of node id.
    const std::map<NodeId, Voter>& voters() const { return voters_; }
    std::vector<NodeId> ids() const;

    friend bool operator==(const VoterSet&, const VoterSet&) = default;

 private:
    std::map<NodeId, Voter> voters_;
};

/// KRaftVersion and Voters by the offset of their record. What came from a snapshot or from configuration lies before
/// every offset of the log. As Kafka has it, a record counts from when it is written, not from when it is committed.
class ControlHistory {
 public:
    /// `static_voters`: controller.quorum.voters, which hold while kraft.version is 0.
    explicit ControlHistory(VoterSet static_voters = {}) { voters_.emplace(no_offset, std::move(static_voters)); }

    /// Takes over what a snapshot says; all before it is forgotten.
    void set_base(std::int16_t kraft_version, std::optional<VoterSet> voters);
    /// Notes the record if it is of interest. Requires: offsets rise.
    void add(const ControlRecordAt& record);
    /// Notes what is of interest in a control batch of the log. Errc::corrupt.
    Result<> add(const protocol::BatchView& control_batch);
    /// The log was cut: forgets what stood at `end` or behind it.
    void truncate(Offset end);

    std::int16_t kraft_version() const { return kraft_versions_.empty() ? 0 : kraft_versions_.rbegin()->second; }
    const VoterSet& voters() const { return voters_.rbegin()->second; }

 private:
    std::map<Offset, std::int16_t> kraft_versions_;
    std::map<Offset, VoterSet> voters_;  ///< never empty
};

}  // namespace moldau::raft
