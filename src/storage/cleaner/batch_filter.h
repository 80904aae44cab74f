#pragma once
// Decides what compaction keeps of a batch, and makes the batch that holds it. The rules are Apache Kafka's (KIP-58,
// KIP-354, KIP-534), but for transactions: what belongs to one stays as it is. Asked for all batches of a log from its
// first on, in order, on one thread at a time.

#include <vector>

#include <moldau/protocol/batch_builder.h>

#include "cleaner/batch_content.h"
#include "cleaner/offset_map.h"

namespace moldau::storage {

/// A batch that tells of a producer that is still known: a retry of it must be.
struct ProducerMark {
    ProducerId producer;
    Offset last_offset;
    friend auto operator<=>(const ProducerMark&, const ProducerMark&) = default;
};

struct FilterRules {
    Timestamp now{0};                      ///< wall time of the whole cleaning
    std::int64_t delete_retention_ms = 0;  ///< of tombstones, from the first cleaning on that meets them
    std::vector<ProducerMark> marks = {};  ///< sorted
};

class BatchFilter {
 public:
    enum class Fate {
        copy,     ///< it stays as it is
        replace,  ///< by replacement()
        drop
    };

    /// `map` and `content` outlive it.
    BatchFilter(const OffsetMap& map, BatchContent& content, FilterRules rules)
        : map_(map), content_(content), rules_(std::move(rules)) {}

    /// `must_stay`: where nothing is kept of it, an empty batch tells up to which offset the log goes.
    /// Errors: corrupt.
    Result<Fate> judge(const protocol::BatchView& batch, bool must_stay);
    /// For a batch that is not held: it stays.
    void pass_over() { keeps_superseded_ = true; }

    /// Valid until the next judge(). Requires: it said so.
    ByteView replacement() const { return replacement_; }

 private:
    bool keeps(Offset offset, const protocol::RecordView& record, bool horizon_passed) const;
    bool is_marked(const protocol::BatchView& batch) const;
    Fate leave_empty(const protocol::BatchView& batch, bool must_stay);
    void rebuild(const protocol::BatchView& batch, std::optional<Timestamp> horizon);

    const OffsetMap& map_;
    BatchContent& content_;
    FilterRules rules_;
    protocol::Compressor compressor_;
    std::vector<bool> kept_;  // by record of the batch
    Bytes replacement_;
    bool keeps_superseded_ = false;  // values may stand before: a tombstone that goes would bring them back
};

}  // namespace moldau::storage
