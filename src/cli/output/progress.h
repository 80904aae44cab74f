#pragma once
// How many records a second go by, on a terminal's standard error. On the command's shard.

#include <cstdint>

#include <moldau/cli/cli.h>
#include <moldau/runtime/timer_queue.h>

namespace moldau::cli {

/// "1,234,567"
std::string grouped(std::int64_t number);

/// "Sent 1,000,000 records, 98.0 MiB, in 2.00 s: 500,000 records/s, 49.0 MiB/s".
std::string summary_line(std::string_view verb, std::int64_t records, std::int64_t bytes, runtime::Duration elapsed);

class Progress {
 public:
    /// `verb`: "Sent", "Read". Shown only where `shown`.
    Progress(runtime::Shard& shard, Terminal& terminal, std::string verb, bool shown);
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress() { shard_.timers().cancel(timer_); }

    void add(std::int64_t records, std::int64_t bytes) { records_ += records, bytes_ += bytes; }
    /// Ends the running line with a summary.
    void finish();

 private:
    void arm();
    void show(bool last);

    runtime::Shard& shard_;
    Terminal& terminal_;
    std::string verb_;
    bool shown_;
    runtime::TimePoint began_;
    std::int64_t records_ = 0;
    std::int64_t bytes_ = 0;
    runtime::TimerQueue::Id timer_;
};

}  // namespace moldau::cli
