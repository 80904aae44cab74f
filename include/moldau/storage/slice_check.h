#pragma once
// Looks at batches before they are sent, where they may not be what was written any more: those that come from the
// device, and those that nobody has looked at since the log was opened. Log::read() says which (LogSlice::check).

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include <moldau/base/ids.h>
#include <moldau/base/result.h>

namespace moldau::storage {

struct LogSlice;

/// Positions of a segment between which all batches were found right. Any thread; who loses a race looks again.
class WalkedRange {
 public:
    bool covers(std::uint64_t begin, std::uint64_t end) const;
    /// What was known is forgotten where [begin, end) does not touch it.
    void add(std::uint64_t begin, std::uint64_t end);

 private:
    std::atomic<std::uint64_t> packed_{0};  // begin and end: a segment has less than 4 GiB
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
    std::shared_ptr<WalkedRange> walked;

    /// Ends `slice` before the first batch that is damaged, or after a few MiB. Base offsets and leader epochs, which
    /// no checksum covers, are compared with those around them. Waits for the device; any thread.
    /// Errors: corrupt, naming file and position, when nothing is left; io.
    Result<> run(LogSlice& slice) const;
};

}  // namespace moldau::storage
