#include <algorithm>

#include <moldau/base/assert.h>
#include <moldau/base/log.h>
#include <moldau/storage/flush_scheduler.h>

namespace moldau::storage {

FlushScheduler::FlushScheduler(runtime::Disk& disk, runtime::Shard& shard, FlushConfig config, Notify notify)
    : disk_(disk), shard_(shard), config_(config), notify_(std::move(notify)), settled_(shard) {}

FlushScheduler::~FlushScheduler() {
    *alive_ = false;
    shard_.timers().cancel(timer_);
}

void FlushScheduler::flush_now(Log& log) {
    Entry& entry = entries_[&log];
    if (entry.forgotten) return;
    note_change(log, entry);
    enqueue(log, entry);
    start_queued();
}

void FlushScheduler::flush_later(Log& log) {
    Entry& entry = entries_[&log];
    if (entry.forgotten) return;
    note_change(log, entry);
    if (entry.flush_at != runtime::never) return;
    entry.flush_at = runtime::after(shard_.now(), config_.unwaited_delay);
    due_.insert({entry.flush_at, {log.name(), &log}});
    arm();
}

void FlushScheduler::note_change(Log& log, Entry& entry) {
    if (entry.checkpoint_at != runtime::never) return;
    entry.checkpoint_at = runtime::after(shard_.now(), config_.checkpoint_delay);
    due_.insert({entry.checkpoint_at, {log.name(), &log}});
    arm();
}

void FlushScheduler::enqueue(Log& log, Entry& entry) {
    if (entry.running) {
        entry.again = true;
        return;
    }
    if (entry.queued) return;
    entry.queued = true;
    queue_.push_back(&log);
}

void FlushScheduler::start_queued() {
    while (!queue_.empty() && in_flight_ < config_.max_in_flight) {
        Log& log = *queue_.front();
        queue_.pop_front();
        Entry& entry = entries_[&log];
        entry.queued = false;
        start(log, entry);
    }
}

void FlushScheduler::start(Log& log, Entry& entry) {
    const bool checkpoint = std::exchange(entry.checkpoint_due, false) && log.needs_checkpoint();
    if (!checkpoint && !log.needs_flush()) return;
    auto begun = log.begin_flush(checkpoint ? FlushKind::checkpoint : FlushKind::data);
    if (!begun) {
        // On the shard's next turn, as all notifications come.
        shard_.post([this, alive = alive_, &log] {
            if (*alive && entries_.contains(&log)) notify_(log);
        });
        if (!log.failure()) flush_later(log);
        return;
    }
    entry.running = true;
    ++in_flight_;
    FlushJob job = std::move(*begun);
    if (runtime::File* file = job.only_file()) {
        file->async_sync(shard_, [this, alive = alive_, &log, job = std::move(job)](Result<> synced) mutable {
            if (!*alive) return;
            finished(log, std::move(job), synced ? Result<FlushOutcome>{} : std::unexpected(std::move(synced).error()));
        });
        return;
    }
    auto shared = std::make_shared<FlushJob>(std::move(job));
    runtime::run_sync(disk_, shard_, [&disk = disk_, shared] { return shared->run(disk); })(
        [this, alive = alive_, &log, shared](Result<FlushOutcome> outcome) {
            if (*alive) finished(log, std::move(*shared), std::move(outcome));
        });
}

void FlushScheduler::finished(Log& log, FlushJob job, Result<FlushOutcome> outcome) {
    const bool complete = outcome && outcome->complete;
    log.finish_flush(std::move(job), outcome);
    Entry& entry = entries_[&log];
    entry.running = false;
    --in_flight_;
    const bool again = std::exchange(entry.again, false);
    if (entry.forgotten) {
        settled_.notify_all();
    } else {
        if (!log.failure() && again) enqueue(log, entry);
        // A checkpoint that found no room, or more that was appended meanwhile.
        if (!log.failure() && log.needs_checkpoint()) note_change(log, entry);
        if (!log.failure() && !complete) flush_later(log);
        notify_(log);
    }
    start_queued();
}

void FlushScheduler::arm() {
    const runtime::TimePoint next = due_.empty() ? runtime::never : due_.begin()->first;
    if (next >= timer_at_) return;
    shard_.timers().cancel(timer_);
    timer_at_ = next;
    timer_ = shard_.timers().add(next, [this] { on_timer(); });
}

void FlushScheduler::on_timer() {
    timer_at_ = runtime::never;
    const runtime::TimePoint now = shard_.now();
    while (!due_.empty() && due_.begin()->first <= now) {
        Log& log = *due_.begin()->second.second;
        due_.erase(due_.begin());
        Entry& entry = entries_[&log];
        if (entry.flush_at <= now) entry.flush_at = runtime::never;
        if (entry.checkpoint_at <= now) {
            entry.checkpoint_at = runtime::never;
            entry.checkpoint_due = true;
        }
        enqueue(log, entry);
    }
    start_queued();
    arm();
}

runtime::Task<void> FlushScheduler::forget(Log& log) {
    const auto found = entries_.find(&log);
    if (found == entries_.end()) co_return;
    Entry& entry = found->second;
    entry.forgotten = true;
    if (std::exchange(entry.queued, false)) queue_.remove(&log);
    due_.erase({entry.flush_at, {log.name(), &log}});
    due_.erase({entry.checkpoint_at, {log.name(), &log}});
    while (entries_.contains(&log) && entries_[&log].running) static_cast<void>(co_await settled_.wait());
    entries_.erase(&log);
}

}  // namespace moldau::storage
