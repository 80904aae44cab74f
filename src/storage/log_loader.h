#pragma once
// Opens a log: takes stock of its directory, recovers what was not known to be durable, and rebuilds what is in memory.
// Lives on the stack of Log::open, on the I/O pool.

#include <map>

#include <moldau/storage/log.h>

#include "segment.h"

namespace moldau::storage {

class LogLoader {
 public:
    LogLoader(Log& log, const LogOptions& options) : log_(log), options_(options) {}

    Result<> load();

 private:
    struct Files {
        std::uint64_t log_bytes = 0;
        Timestamp modified_at = no_timestamp;
        bool has_log = false;
        std::optional<std::uint64_t> index_bytes;
        std::optional<std::uint64_t> time_index_bytes;
        std::uint64_t transaction_index_bytes = 0;
    };

    Result<> prepare_directory();
    Result<> load_identity();
    Result<> take_stock();
    Result<> note_file(const runtime::DirectoryEntry& entry);
    // Compaction that was interrupted: log_replacements.cpp.
    struct Marked;
    Result<> finish_replacements(std::vector<runtime::DirectoryEntry> entries);
    Result<> complete(const std::vector<Marked>& staged);
    /// Where what is staged ends. Errors: corrupt, where it is damaged or does not fit the other segments.
    Result<Offset> end_of_staged(const std::vector<Marked>& staged);
    Result<Offset> end_of(const std::string& path, Offset base);
    Result<> rename_marked(const Marked& file);
    Result<> remove_file(std::string_view name);
    Result<> load_epochs();

    /// With what needs no reading; its indexes are another matter.
    std::unique_ptr<Segment> segment_of(Offset base, const Files& files) const;
    Result<> load_segments();
    Result<> adopt_closed(Offset base, const Files& files, Offset next_base);
    /// Returns the offset behind the last batch.
    Result<Offset> rebuild_indexes(Segment& segment);
    /// `damage`, and what to do: nothing is cut or deleted for it.
    std::unexpected<Error> refuse(const Error& damage) const;
    Result<> check_follows(Segment& segment, Offset end, Offset next_base);
    Result<> check_log_start();
    void keep_what_is_there();
    /// After a clean start: as close() left it.
    bool is_untouched() const;
    Result<> open_active_clean(Offset base, const Files& files);

    Result<> recover_from(std::map<Offset, Files>::iterator first);
    /// Scans one segment; false when its tail was cut.
    Result<bool> recover_segment(Segment& segment, bool has_index);
    /// Entries of what was not known to be durable may be missing, and others left.
    Result<> rewind_transaction_indexes();
    Result<> settle_transaction_indexes();
    Result<> write_again(runtime::File& file, std::uint64_t from, std::uint64_t end);
    Result<> check_nothing_lost(const Segment& segment, std::uint64_t position, std::string_view damage) const;
    Result<> start_at(Offset offset);

    /// What the log was when it was ours from its first segment on has none.
    bool may_have_gaps() const { return options_.written_by_kafka || gaps_are_noted_; }
    Result<> note_gap(Offset next_base);

    /// A sync that fails is never tried again, by nobody.
    Result<> synced(Result<> outcome) const {
        if (!outcome && outcome.error().code == Errc::io && options_.sync_failed != nullptr)
            *options_.sync_failed = true;
        return outcome;
    }

    /// Nothing before it may be missing.
    Offset required_end() const { return std::max(options_.recovery_point, options_.high_watermark); }
    /// Which offsets those are from `first` on, and what says so: it may be that which is damaged.
    std::string must_be_there(Offset first) const;

    Log& log_;
    const LogOptions& options_;
    std::map<Offset, Files> files_;
    Offset next_{0};                 // behind the last batch found so far
    Offset indexed_end_{INT64_MAX};  // aborted transactions that ended behind it may lack in their index
    Offset whole_from_{0};  // behind the last gap that does not count, since it lies before the noted log start
    LeaderEpoch epoch_ = no_leader_epoch;
    bool removed_ = false;
    bool gaps_are_noted_ = false;
    bool has_gap_ = false;
};

}  // namespace moldau::storage
