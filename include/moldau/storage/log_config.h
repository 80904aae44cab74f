#pragma once
// The settings of one log: Kafka's topic keys, with Kafka's defaults. A plain value; the log keeps a copy.

#include <cstdint>

namespace moldau::storage {

struct LogConfig {
    std::int32_t segment_bytes = 1 << 30;                 ///< segment.bytes
    std::int64_t segment_ms = 7 * 86'400'000LL;           ///< segment.ms
    std::int64_t segment_jitter_ms = 0;                   ///< segment.jitter.ms
    std::int32_t segment_index_bytes = 10 << 20;          ///< segment.index.bytes
    std::int32_t index_interval_bytes = 4096;             ///< index.interval.bytes
    std::int64_t retention_ms = 7 * 86'400'000LL;         ///< retention.ms, −1: for ever
    std::int64_t retention_bytes = -1;                    ///< retention.bytes, −1: no bound
    std::int64_t file_delete_delay_ms = 60'000;           ///< file.delete.delay.ms
    bool cleanup_delete = true;                           ///< cleanup.policy has delete
    bool cleanup_compact = false;                         ///< cleanup.policy has compact
    double min_cleanable_dirty_ratio = 0.5;               ///< min.cleanable.dirty.ratio
    std::int64_t min_compaction_lag_ms = 0;               ///< min.compaction.lag.ms
    std::int64_t max_compaction_lag_ms = INT64_MAX;       ///< max.compaction.lag.ms
    std::int64_t delete_retention_ms = 86'400'000;        ///< delete.retention.ms, of tombstones
    std::int64_t producer_id_expiration_ms = 86'400'000;  ///< producer.id.expiration.ms, of the broker
    std::int64_t write_back_bytes = 4 << 20;              ///< our own: writeback to the device begins after so many

    /// Limits that a test reaches within a few records.
    static LogConfig tiny() {
        LogConfig config;
        config.segment_bytes = 1024;
        config.index_interval_bytes = 100;
        config.segment_index_bytes = 120;
        config.write_back_bytes = 512;
        return config;
    }
};

}  // namespace moldau::storage
