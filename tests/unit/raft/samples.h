#pragma once
// What raft's tests share: one voter, its recovered state, golden files.

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <moldau/raft/core.h>

namespace moldau::raft {

inline Bytes golden(const std::string& name) {
    std::ifstream file(std::string(GOLDEN_DIRECTORY) + "/" + name, std::ios::binary);
    EXPECT_TRUE(file.good()) << name;
    return Bytes(std::istreambuf_iterator<char>(file), {});
}

inline const ReplicaKey self{NodeId(1), *Uuid::parse("XJHoguaeT4WjFJDXQQJjIQ")};

inline Voter voter(NodeId id, DirectoryId directory, std::uint16_t port = 19093) {
    return {.key = {id, directory}, .endpoints = {{"CONTROLLER", "127.0.0.1", port}}};
}

inline ControlHistory only_voter() {
    ControlHistory control;
    control.set_base(1, VoterSet({voter(self.id, self.directory_id)}));
    return control;
}

inline Now at(std::int64_t ms) {
    return {MonotonicMs(ms), Timestamp(1'795'224'644'746 + ms)};
}

inline Recovered fresh() {
    Recovered recovered;
    recovered.control = only_voter();
    return recovered;
}

/// A directory in which `epoch` was led by this replica, and the log ends at `end`, all of it on disk.
inline Recovered restarted(LeaderEpoch epoch, Offset end) {
    Recovered recovered = fresh();
    recovered.election = {.epoch = epoch, .leader_id = self.id, .voted = std::nullopt};
    recovered.log_end = recovered.durable_end = end;
    recovered.last_epoch = epoch;
    return recovered;
}

inline Core opened(Recovered recovered) {
    auto core = Core::open({.self = self}, std::move(recovered));
    EXPECT_TRUE(core.has_value()) << (core ? "" : core.error().message);
    return std::move(*core);
}

/// What the driver tells once all of `output` is on disk.
inline Persisted all_of(const Output& output, const Core& core) {
    Persisted persisted{.durable_end = core.log_end(), .state = std::nullopt};
    if (output.persist.state) persisted.state = output.persist.state->state;
    return persisted;
}

}  // namespace moldau::raft
