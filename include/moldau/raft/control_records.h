#pragma once
// The control records that raft itself writes into the metadata log and into snapshots. Pure.

#include <variant>
#include <vector>

#include <moldau/base/result.h>
#include <moldau/protocol/batch_builder.h>
#include <moldau/protocol/record_batch.h>
#include <moldau/protocol/records/kraft_version_record.h>
#include <moldau/protocol/records/leader_change_message.h>
#include <moldau/protocol/records/snapshot_footer_record.h>
#include <moldau/protocol/records/snapshot_header_record.h>
#include <moldau/protocol/records/voters_record.h>

namespace moldau::raft {

using ControlRecord =
    std::variant<protocol::LeaderChangeMessage, protocol::SnapshotHeaderRecord, protocol::SnapshotFooterRecord,
                 protocol::KRaftVersionRecord, protocol::VotersRecord>;

struct ControlRecordAt {
    Offset offset;
    ControlRecord record;
};

/// Requires: a builder of a control batch.
void append_control_record(protocol::BatchBuilder& batch, const ControlRecord& record, Timestamp timestamp);

/// The control records of raft in a batch, in order; other types are left out. Texts borrow from the batch.
/// Errc::corrupt when a record does not decode. Requires: batch.is_control().
Result<std::vector<ControlRecordAt>> read_control_records(const protocol::BatchView& batch);

}  // namespace moldau::raft
