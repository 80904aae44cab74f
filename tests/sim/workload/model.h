#pragma once
// What clients were promised, and whether it holds. Pure: clients tell it what they sent, what was acknowledged and
// what they read; it remembers the first promise that was broken.
//
// A record is firm once it is known to be durable: acknowledged with acks=all, or read where it was written with
// acks=all, or before such a record in its partition. Firm records stay at their offset for ever. Others may go, and
// their offsets be taken by other records, only where a life of the broker in between ended with the loss of data.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "payload.h"

namespace moldau::sim {

class Model {
 public:
    /// The number of a broker's life; later lives have higher ones.
    using Life = std::uint32_t;

    struct Partition {
        std::string topic;
        std::int32_t index = 0;
        friend auto operator<=>(const Partition&, const Partition&) = default;
    };

    // What the world did.

    /// `life` ended and what was not durable may be gone.
    void data_may_be_lost(Life life) { lossy_ends_.insert(life); }
    /// The power was lost, and with it at most the last `bytes` of the partition's log.
    void bytes_may_be_lost(const Partition& partition, std::uint64_t bytes);
    /// Nothing of the topic is promised any more.
    void topic_deleted(const std::string& topic);
    /// The oldest records of its partitions may go, as long as `bytes` of each are left.
    void topic_retains(const std::string& topic, std::uint64_t bytes) { retained_[topic] = bytes; }
    /// Of each key in its partitions the last record stays, and what deletes a key as long as there is what it deletes.
    void topic_compacts(const std::string& topic) { compacted_.insert(topic); }
    bool compacts(const std::string& topic) const { return compacted_.contains(topic); }
    /// It begins anew, empty.
    void topic_created(const std::string& topic) { deleted_.erase(topic); }

    // What clients saw.

    void sent(const Partition& partition, const Payload& payload);
    /// `ids` were acknowledged by `life`, the first at `base_offset`, or at an offset that is not told (−1).
    void acknowledged(const Partition& partition, const std::vector<RecordId>& ids, std::int64_t base_offset, Acks acks,
                      Life life);
    /// A consumer of `life` read `payload` at `offset`.
    void observed(const Partition& partition, std::int64_t offset, const Payload& payload, Life life);
    /// The high watermark as consumer `consumer` got it, in order, from `life`.
    void high_watermark(const Partition& partition, std::uint32_t consumer, std::int64_t high_watermark, Life life);
    struct OutOfRange {
        std::int64_t offset = 0;     ///< that was asked for
        Life told_by = 0;            ///< the latest life that had it, or that had what stands before it
        std::int64_t committed = 0;  ///< when it was asked for
        Life life = 0;               ///< that does not have it
        std::int64_t log_start = 0;  ///< told afterwards
        Life start_told_by = 0;      ///< which told of it
    };
    /// Only retention and the loss of data may take from a consumer what it was told of.
    void out_of_range(const Partition& partition, const OutOfRange& told);
    /// A broken promise that only the one who sees it can name.
    void broken(std::string what);

    struct Reading {
        std::int64_t log_start = 0;
        std::int64_t log_end = 0;
        std::uint64_t bytes = 0;  ///< of the batches from log_start on
        std::set<RecordId> records = {};
        std::set<std::int64_t> offsets = {};  ///< of the records
    };
    /// After everything was read again from its log start to its log end: nothing is missing that is firm, or that no
    /// life has ended with the loss of data since.
    void check_whole(const Partition& partition, const Reading& reading);

    struct Committed {
        std::int64_t end = 0;
        Life life = 0;  ///< that told of it: consumers of this life get all records below `end`
    };
    Committed committed(const Partition& partition) const;

    /// The first broken promise; empty while all hold.
    const std::string& violation() const { return violation_; }

    std::uint64_t records_sent() const { return sent_; }
    std::uint64_t records_acknowledged() const { return acknowledged_; }
    std::uint64_t records_observed() const { return observed_; }
    std::vector<Partition> partitions() const;

 private:
    struct Entry {
        RecordId id;
        bool idempotent;
        Life life;  ///< the latest that vouched for it
    };
    struct Log {
        std::map<std::int64_t, Entry> entries;
        std::map<RecordId, std::int64_t> offsets;  ///< of idempotent producers' records in `entries`
        std::map<RecordId, Payload> sent;
        std::set<RecordId> firm_somewhere;  ///< acknowledged with acks=all, the offset was not told
        std::int64_t firm_until = 0;        ///< all entries below are firm
        Life firm_life = 0;                 ///< that firm_until was last moved by
        std::string firm_because;           ///< for people
        std::map<std::uint32_t, std::pair<Life, std::int64_t>> high_watermarks;  ///< by consumer
        std::uint64_t most_lost_bytes = 0;                                       ///< with the power, at one time
    };

    void place(const Partition& partition, Log& log, std::int64_t offset, const Payload& payload, Life life);
    bool replace(const Partition& partition, Log& log, std::int64_t offset, const Payload& payload, Life life);
    void check_order(const Partition& partition, const Log& log, std::int64_t offset, const Payload& payload);
    void make_firm(Log& log, std::int64_t until, RecordId id, std::string_view because, Life life);
    void check_compacted(const Partition& partition, const Log& log, const Reading& reading);
    bool lost_between(Life earlier, Life later) const;
    bool lost_since(Life life) const;
    void erase_from(Log& log, std::int64_t offset);

    std::map<Partition, Log> logs_;
    std::set<std::string> deleted_;
    std::map<std::string, std::uint64_t> retained_;  ///< bytes, of topics that may lose what is older
    std::set<std::string> compacted_;
    std::set<Life> lossy_ends_;
    std::string violation_;
    std::uint64_t sent_ = 0;
    std::uint64_t acknowledged_ = 0;
    std::uint64_t observed_ = 0;
};

}  // namespace moldau::sim
