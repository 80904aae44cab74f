#pragma once
// Compacts one log: what later records of a key supersede goes. The log makes the job (Log::begin_cleaning), which then
// works on closed, durable segments that nobody changes, by their files alone; and once it has written a segment that
// replaces some of them, log and job take turns to put it in their place (docs/adr/0008):
//
//   run() …, until it says `replace`        I/O pool
//   Log::begin_replacement()                shard: still the same segments, and from now on they stay
//   stage()                                 I/O pool: from here on a start completes the replacement
//   Log::adopt_replacement()                shard: reads go to the new segment
//   retire()                                I/O pool: the old files get other names
//   Log::finish_replacement()               shard: the new ones get theirs; with too little room or descriptors,
//                                           retire() and this again
//   settle()                                I/O pool
//
// and again, until it says `done`, which goes to Log::finish_cleaning(). One thread at a time.

#include <array>
#include <memory>
#include <string>
#include <vector>

#include <moldau/base/ids.h>
#include <moldau/base/result.h>
#include <moldau/runtime/disk.h>

namespace moldau::storage {

class BatchContent;
class BatchFilter;
class BatchReader;
class OffsetMap;
class Segment;
class SegmentWriter;

struct CleaningOptions {
    Timestamp now{0};                            ///< wall time
    std::size_t map_bytes = 128UL << 20;         ///< log.cleaner.dedupe.buffer.size
    double map_load = 0.9;                       ///< log.cleaner.io.buffer.load.factor
    std::size_t batch_bytes = 32UL << 20;        ///< a batch that holds more, decompressed, stays as it is
    std::size_t slice_bytes = 4UL << 20;         ///< read by one run(), but for a batch that is larger
    std::array<std::uint64_t, 2> hash_secret{};  ///< random
};

/// What there is to compact in a log.
struct Cleanable {
    Offset first_dirty;
    Offset end;
    double dirty_ratio = 0;
    std::uint64_t room_bytes = 0;  ///< on the disk, at most
};

class CleaningJob {
 public:
    enum class Step {
        more,     ///< run() again
        replace,  ///< what was written so far is to take the place of its sources
        done
    };

    ~CleaningJob();
    CleaningJob(const CleaningJob&) = delete;
    CleaningJob& operator=(const CleaningJob&) = delete;

    // These wait for the device. Errors: corrupt where a source cannot be read, naming file and position; unsupported;
    // no_space, no_descriptors; io, after which the directory is not to be trusted. After one of run() and stage() the
    // rest is to be discarded.

    Result<Step> run();
    Result<> stage();
    Result<> retire();
    Result<> settle();
    /// Removes what was written and is not in use. Requires: what was begun was not adopted.
    Result<> discard();

    /// The sources' files by the names that retire() gave them, to be removed after file.delete.delay.ms.
    std::vector<std::string> take_retired() { return std::move(retired_); }

    std::uint64_t bytes_read() const { return bytes_read_; }
    std::uint64_t bytes_written() const { return bytes_written_; }
    std::uint64_t bytes_replaced() const { return bytes_replaced_; }
    /// Below it no record is superseded by another below it.
    Offset cleaned_end() const;

 private:
    friend class Log;
    struct Source;
    struct Plan;

    explicit CleaningJob(runtime::Disk& disk, Plan plan);

    Result<> open_source();
    Result<bool> map_next_batch();
    Result<bool> enter_batch();
    void begin_rewriting();
    Result<bool> rewrite_next_batch();
    Result<> end_source();
    Result<bool> end_group();
    bool is_last_of_group() const;

    runtime::Disk& disk_;
    std::unique_ptr<Plan> plan_;
    std::unique_ptr<OffsetMap> map_;
    std::unique_ptr<BatchContent> content_;
    std::unique_ptr<BatchFilter> filter_;
    std::unique_ptr<BatchReader> reader_;  // of source_
    std::unique_ptr<SegmentWriter> writer_;
    std::unique_ptr<Segment> result_;  // from run()'s `replace` on, until it is adopted
    Segment* adopted_ = nullptr;       // the log's, until it has its own names
    bool is_mapping_ = true;
    bool is_staged_ = false;
    bool sources_are_renamed_ = false;
    bool changed_ = false;    // by what was filtered of the group
    std::size_t source_ = 0;  // read now
    std::size_t group_ = 0;   // written now
    std::vector<std::string> retired_;
    std::uint64_t bytes_read_ = 0;
    std::uint64_t bytes_written_ = 0;
    std::uint64_t bytes_replaced_ = 0;
};

}  // namespace moldau::storage
