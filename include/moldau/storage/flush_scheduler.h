#pragma once
// Makes the logs of one shard durable: one flush of a log at a time serves everything appended since the last began
// (group commit), several logs at once up to a bound; records that nobody waits for follow within seconds. Owned by the
// node, one a shard, on that shard; outlives no log that it was given: forget() it first.

#include <cstdint>
#include <functional>
#include <map>
#include <set>

#include <moldau/runtime/async.h>
#include <moldau/storage/log.h>

namespace moldau::storage {

struct FlushConfig {
    std::size_t max_in_flight = 16;                                ///< logs flushed at once
    runtime::Duration unwaited_delay = std::chrono::seconds(2);    ///< until records that nobody waits for are flushed
    runtime::Duration checkpoint_delay = std::chrono::seconds(5);  ///< until a changed log's recovery point follows
};

class FlushScheduler {
 public:
    /// A log's durable end rose, or its device failed (Log::failure()).
    using Notify = std::function<void(Log&)>;

    FlushScheduler(runtime::Disk& disk, runtime::Shard& shard, FlushConfig config, Notify notify);
    ~FlushScheduler();
    FlushScheduler(const FlushScheduler&) = delete;
    FlushScheduler& operator=(const FlushScheduler&) = delete;

    /// Someone waits for the log's end to become durable: begins now, or as soon as the flush in flight ends.
    void flush_now(Log& log);

    /// The log was appended to and nobody waits.
    void flush_later(Log& log);

    /// Completes once no flush of the log is in flight; nothing is begun for it any more. The log may be
    /// closed then. Requires: a coroutine of this shard.
    runtime::Task<void> forget(Log& log);

    std::size_t in_flight() const { return in_flight_; }

 private:
    struct Entry {
        bool running = false;
        bool queued = false;  // in queue_
        bool again = false;   // asked for while running
        bool forgotten = false;
        bool checkpoint_due = false;
        runtime::TimePoint checkpoint_at = runtime::never;
        runtime::TimePoint flush_at = runtime::never;
    };

    void enqueue(Log& log, Entry& entry);
    void start_queued();
    void start(Log& log, Entry& entry);
    void finished(Log& log, FlushJob job, Result<FlushOutcome> outcome);
    void arm();
    void on_timer();
    void note_change(Log& log, Entry& entry);

    runtime::Disk& disk_;
    runtime::Shard& shard_;
    FlushConfig config_;
    Notify notify_;
    std::map<Log*, Entry> entries_;                                                 // looked up, never walked
    std::list<Log*> queue_;                                                         // in the order of asking
    std::set<std::pair<runtime::TimePoint, std::pair<TopicPartition, Log*>>> due_;  // by time, then name
    std::size_t in_flight_ = 0;
    runtime::TimerQueue::Id timer_;
    runtime::TimePoint timer_at_ = runtime::never;
    runtime::Signal settled_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace moldau::storage
