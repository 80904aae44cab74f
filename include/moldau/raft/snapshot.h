#pragma once
// Snapshots of the metadata log, `<20 digits>-<10 digits>.checkpoint`: batches v2 whose offsets count from 0. The first
// is a control batch that opens with SnapshotHeader, the last one holds SnapshotFooter alone; data batches lie between.
// With kraft.version 1, KRaftVersion and Voters follow the header in its batch. Pure: bytes go to and come from the
// driver, piece by piece. Owned by whoever writes or reads; not shared.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <moldau/base/bytes.h>
#include <moldau/base/result.h>
#include <moldau/protocol/batch_builder.h>
#include <moldau/protocol/record_batch.h>
#include <moldau/raft/types.h>
#include <moldau/raft/voter_set.h>

namespace moldau::raft {

inline constexpr std::string_view snapshot_suffix = ".checkpoint";

std::string snapshot_file_name(SnapshotId id);
/// Nothing when it is not the name of a finished snapshot.
std::optional<SnapshotId> parse_snapshot_file_name(std::string_view name);

/// What the first batch says.
struct SnapshotHeader {
    Timestamp last_contained_log_timestamp{0};
    std::int16_t kraft_version = 0;
    VoterSet voters{};  ///< written and read when kraft_version is above 0
};

class SnapshotWriter {
 public:
    /// `now` is the time of the batch that begins with a call.
    SnapshotWriter(LeaderEpoch epoch, const SnapshotHeader& header, Timestamp now);

    /// Adds a record's value. Larger ones than a batch get a batch of their own.
    void append(ByteView value, Timestamp now);

    /// Writes the footer; nothing can be added then.
    void finish(Timestamp now);

    /// Whole batches not taken yet, to be written behind the former.
    Bytes take() { return std::exchange(ready_, {}); }

 private:
    protocol::BatchBuilder begin(bool control) const;
    void end(protocol::BatchBuilder&& batch);
    void end_data();

    LeaderEpoch epoch_;
    Offset next_offset_{0};
    std::optional<protocol::BatchBuilder> data_;
    Bytes ready_;
    bool finished_ = false;
};

class SnapshotReader {
 public:
    /// The next bytes of the file; invalidates batches that next() gave.
    void feed(ByteView bytes);

    /// The next data batch among the bytes so far; false: feed more, or all was read. Control batches are taken in.
    /// Errc::corrupt at damage, and at what does not belong into a snapshot.
    Result<bool> next(protocol::BatchView& batch);

    /// Once the file is at its end and next() was false: Errc::corrupt unless the footer closed it.
    Result<> finish() const;

    /// Set before the first data batch.
    const std::optional<SnapshotHeader>& header() const { return header_; }

 private:
    Result<> take_control(const protocol::BatchView& batch);

    Bytes pending_;
    std::size_t read_ = 0;  ///< of pending_
    std::optional<SnapshotHeader> header_;
    bool footer_ = false;
};

}  // namespace moldau::raft
