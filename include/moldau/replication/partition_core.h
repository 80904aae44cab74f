#pragma once
// What a partition's replica decides, without its log: how far records are committed. Pure; owned by the partition's
// driver and touched on the partition's shard alone. Followers and the in-sync set join here when there are several
// replicas; with one, the in-sync set is this replica.
//
// An acks=all batch is a barrier (docs/ARCHITECTURE.md, durability): the high watermark does not pass the first one
// that is not durable, so that it is neither acknowledged nor seen before it is on disk.

#include <deque>

#include <moldau/base/ids.h>

namespace moldau::replication {

class PartitionCore {
 public:
    /// `flush_before_commit`: moldau.durability=disk; otherwise what is written counts as committed, Kafka's rule.
    explicit PartitionCore(bool flush_before_commit) : flush_before_commit_(flush_before_commit) {}

    /// The replica leads from now on, with a log of these ends. What a former incarnation wrote and nobody has synced
    /// may hold acks=all batches: all of it is one barrier. Requires: durable_end <= log_end.
    void become_leader(LeaderEpoch epoch, Offset log_end, Offset durable_end);

    /// Records in [first, end) were written. Requires: `first` is the log end so far.
    void on_append(Offset first, Offset end, bool acks_all);

    /// Everything below `durable_end` is on disk. Going back is ignored.
    void on_durable(Offset durable_end);

    void set_flush_before_commit(bool flush);

    LeaderEpoch leader_epoch() const { return leader_epoch_; }

    /// Records below it are committed: they may be acknowledged and seen. Never goes back while the replica leads.
    Offset high_watermark() const { return high_watermark_; }

    /// acks=all is answered for what lies below it: what is committed and, with moldau.durability=disk, durable. An
    /// acks=1 batch is committed before it is durable, and sent again with acks=all it waits like any other.
    Offset acknowledged_end() const;

    /// True until all is committed that was there when the replica became leader: the high watermark may still lie
    /// below what a former incarnation showed.
    bool is_catching_up() const { return high_watermark_ < epoch_start_; }

    /// True while a barrier waits for the disk.
    bool wants_flush() const { return !barriers_.empty(); }

 private:
    struct Barrier {
        Offset first;
        Offset end;
    };
    void advance();

    bool flush_before_commit_;
    LeaderEpoch leader_epoch_ = no_leader_epoch;
    Offset epoch_start_{0};  ///< the log end when it became leader
    Offset log_end_{0};
    Offset durable_end_{0};
    Offset high_watermark_{0};
    std::deque<Barrier> barriers_;  ///< not durable yet, in order of offset
};

}  // namespace moldau::replication
