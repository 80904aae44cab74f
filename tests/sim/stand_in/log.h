#pragma once
// One partition of the stand-in broker: a file of batches.

#include <deque>
#include <map>
#include <set>

#include <moldau/protocol/error_code.h>
#include <moldau/runtime/disk.h>

#include "stand_in.h"

namespace moldau::sim {

class StandInLog {
 public:
    struct Appended {
        protocol::ErrorCode error = protocol::ErrorCode::none;
        std::int64_t base_offset = -1;
        std::int64_t end_offset = -1;  ///< what must be durable before acks=all is answered
    };

    StandInLog(runtime::Shard& shard, std::unique_ptr<runtime::File> file, Bug bug)
        : bug_(bug), changed_(shard), shard_(shard), file_(std::move(file)) {}

    /// Reads the file, cuts a torn tail, makes the rest durable.
    Result<> recover();

    Appended append(ByteView batch, bool acks_all);
    /// False when the disk failed.
    runtime::Task<bool> wait_durable(std::int64_t offset);
    Result<Bytes> read(std::int64_t offset, std::size_t max_bytes) const;
    runtime::Task<bool> wait_change(runtime::TimePoint deadline) { co_return co_await changed_.wait(deadline); }

    std::int64_t log_end() const { return next_offset_; }
    std::int64_t high_watermark() const;

 private:
    struct Placed {
        std::uint64_t position;
        std::size_t size;
        std::int64_t base_offset;
        std::int64_t end_offset;
    };
    struct Remembered {
        std::int32_t base_sequence;
        std::int32_t next_sequence;
        std::int64_t base_offset;
        std::int64_t end_offset;
    };
    void place(ByteView batch);

    const Bug bug_;
    runtime::Signal changed_;
    runtime::Shard& shard_;
    std::unique_ptr<runtime::File> file_;
    std::vector<Placed> batches_;
    std::map<std::int64_t, std::deque<Remembered>> producers_;  ///< by producer id, the last five batches
    std::set<std::int64_t> barriers_;                           ///< base offsets of acks=all batches not durable yet
    std::uint64_t size_bytes_ = 0;
    std::int64_t next_offset_ = 0;
    std::int64_t durable_ = 0;
    bool syncing_ = false;
    bool failed_ = false;
};

}  // namespace moldau::sim
