#pragma once
// Looks at batches before they are sent, where they may not be what was written any more: those that come from the
// device, and those that nobody has looked at since the log was opened. Log::read() says which (LogSlice::check).

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <moldau/base/ids.h>
#include <moldau/base/result.h>
#include <moldau/runtime/disk.h>

namespace moldau::storage {

struct LogSlice;

/// Batches of a segment that follow each other and were all found right.
struct Walk {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    Offset next;        ///< what must follow behind `end`
    LeaderEpoch epoch;  ///< of the last batch
};

/// What of a segment was walked.
class WalkedRange {
 public:
    /// Any thread.
    bool covers(std::uint64_t begin, std::uint64_t end) const;
    /// For who reads [begin, end) and has read what stands before: how far to walk now, so that the next read finds it
    /// done, up to `limit`. 0: that is so already, or nothing speaks for a next one. Any thread.
    std::uint64_t ahead_of(std::uint64_t begin, std::uint64_t end, std::uint64_t limit) const;

    /// For who walks: another one that waits may find it done.
    runtime::Turns turns;
    /// The walk that holds `position`, or ends there. Requires: a turn.
    std::optional<Walk> at(std::uint64_t position) const;
    /// What was known is forgotten where `walk` does not touch it. Requires: a turn.
    void add(const Walk& walk);

 private:
    struct Range {
        std::uint64_t begin;
        std::uint64_t end;
        bool is_touched_by(std::uint64_t other_begin, std::uint64_t other_end) const {
            return begin < end && begin <= other_end && other_begin <= end;
        }
    };
    Range known() const;

    std::atomic<std::uint64_t> packed_{0};  // begin and end: a segment has less than 4 GiB
    Offset next_;                           // as in Walk
    LeaderEpoch epoch_;
};

/// What is known of a segment from elsewhere, to hold a slice of it against.
struct SliceCheck {
    std::string path;  ///< of the segment's log file
    std::uint64_t segment_bytes = 0;
    Offset segment_base;
    Offset segment_end;        ///< no offset in it is higher or the same
    LeaderEpoch latest_epoch;  ///< of the log
    Offset from;               ///< what was asked for
    std::uint64_t begin = 0;   ///< of a batch, before the slice where there is one: it tells what must follow
    std::uint64_t ahead = 0;   ///< what is probably asked for next ends there; 0: nothing is
    std::shared_ptr<WalkedRange> walked;

    /// Ends `slice` before the first batch that is damaged, or after a few MiB. Base offsets and leader epochs, which
    /// no checksum covers, are compared with those around them. Waits for the device; any thread.
    /// Errors: corrupt, naming file and position, when nothing is left; io.
    Result<> run(LogSlice& slice) const;
    /// Walks on from `slice` to `ahead`, so that run() finds it done. Damage is left for run() to find. Waits for the
    /// device; any thread.
    void run_ahead(const LogSlice& slice) const;

 private:
    struct Walked {
        Walk right = {};
        std::string damage = {};  ///< that stands behind it; empty also at the segment's end
        Result<> status = {};     ///< of the device
    };
    /// Goes on behind `done`, at least to `wanted_end`. No offset may be below `least`.
    Walked walk(const runtime::File& file, const Walk& done, Offset least, std::uint64_t wanted_end) const;
};

}  // namespace moldau::storage
