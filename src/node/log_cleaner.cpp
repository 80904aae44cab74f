#include "log_cleaner.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include <moldau/base/log.h>

namespace moldau::node {
namespace {

using replication::Partition;
using runtime::Task;
using storage::CleaningJob;

constexpr runtime::Duration shortest_backoff = std::chrono::milliseconds(10);
/// After which what is half done is tried again that found no room or descriptors.
constexpr runtime::Duration shortage_interval = std::chrono::seconds(1);
constexpr std::size_t slice_bytes = 4UL << 20;
constexpr std::size_t least_slice_bytes = 64UL << 10;

}  // namespace

/// One log's cleaning. The job is shared with what runs on the I/O pool.
struct LogCleaner::Work {
    Candidate candidate;
    CleanerSettings settings;
    std::shared_ptr<CleaningJob> job;

    Partition& partition() const { return *candidate.partition; }
    const storage::TopicPartition& name() const { return partition().log().name(); }
};

LogCleaner::LogCleaner(const runtime::World& world, runtime::Shard& shard, storage::LogDirectory& directory,
                       Ports ports)
    : world_(world), shard_(shard), directory_(directory), ports_(std::move(ports)), changed_(shard) {}

void LogCleaner::stop() {
    stopping_ = true;
    changed_.notify_all();
}

Task<void> LogCleaner::release(const Partition& partition) {
    while (worked_on_ == &partition) {
        wanted_back_ = &partition;
        changed_.notify_all();
        co_await changed_.wait();
    }
}

Task<void> LogCleaner::run(runtime::Gate::Hold hold) {
    bool busy = false;
    while (!stopping_) {
        const CleanerSettings settings = ports_.settings();
        if (!busy) {
            const auto next = runtime::after(shard_.now(), std::max(settings.backoff, shortest_backoff));
            while (!stopping_ && shard_.now() < next) co_await changed_.wait(next);
            if (stopping_) break;
        }
        busy = settings.enabled && !directory_.is_offline() && co_await clean_dirtiest(settings);
    }
    (void)hold;
}

Task<bool> LogCleaner::clean_dirtiest(CleanerSettings settings) {
    std::vector<Candidate> candidates = co_await collect();
    for (const Candidate& each : candidates)
        if (!each.damage.empty()) set_aside(each, each.damage);
    std::erase_if(candidates, [](const Candidate& each) { return !each.damage.empty(); });
    const auto dirtiest =
        std::ranges::max_element(candidates, {}, [](const Candidate& candidate) { return candidate.what.dirty_ratio; });
    if (stopping_ || dirtiest == candidates.end()) co_return false;
    co_return co_await clean(std::move(*dirtiest), settings);
}

Task<std::vector<LogCleaner::Candidate>> LogCleaner::collect() {
    std::vector<std::vector<Candidate>> by_shard(world_.shards.size());
    for (const auto& [key, partition] : ports_.table())
        if (!uncleanable_.contains(key)) by_shard[partition->shard().index()].push_back({key, partition, {}, {}});
    const auto keep_due = [](std::vector<Candidate> all) {
        std::erase_if(all, [](Candidate& each) {
            auto found = each.partition->find_cleanable();
            if (!found && !is_shortage(found.error())) {
                each.damage = found.error().message;
                return false;
            }
            if (!found || !*found) return true;
            each.what = **found;
            return false;
        });
        return all;
    };
    std::vector<Candidate> due;
    for (std::size_t i = 0; i < by_shard.size(); ++i) {
        if (by_shard[i].empty()) continue;
        runtime::Shard& there = world_.shard(static_cast<unsigned>(i));
        std::vector<Candidate> some = co_await runtime::call_on(
            shard_, there, [keep_due, all = std::move(by_shard[i])]() mutable { return keep_due(std::move(all)); });
        std::ranges::move(some, std::back_inserter(due));
    }
    co_return due;
}

void LogCleaner::set_aside(const Candidate& candidate, std::string_view why) {
    // What has left the table meanwhile may well be gone.
    if (ports_.table().find(candidate.key) == nullptr || !uncleanable_.insert(candidate.key).second) return;
    const storage::TopicPartition& name = candidate.partition->log().name();
    log::error("{}-{} is not compacted any more until the next start: {}", name.topic, name.partition, why);
}

Task<bool> LogCleaner::clean(Candidate candidate, CleanerSettings settings) {
    const auto* there = ports_.table().find(candidate.key);
    if (there == nullptr || *there != candidate.partition) co_return false;
    if (!directory_.has_room(false, candidate.what.room_bytes)) {
        if (!std::exchange(told_of_room_, true))
            log::warn("{}: compaction waits for room: {} bytes for the next segment", directory_.path(),
                      candidate.what.room_bytes);
        co_return false;
    }
    told_of_room_ = false;
    worked_on_ = candidate.partition.get();
    Work work{.candidate = std::move(candidate), .settings = settings, .job = nullptr};
    storage::CleaningOptions options{.now = shard_.clock().wall_time(),
                                     .map_bytes = settings.map_bytes,
                                     .map_load = settings.map_load,
                                     .slice_bytes = slice_bytes,
                                     .hash_secret = {shard_.random().next(), shard_.random().next()}};
    if (settings.bytes_per_second > 0 && settings.bytes_per_second < slice_bytes)
        options.slice_bytes = std::max(least_slice_bytes, static_cast<std::size_t>(settings.bytes_per_second));
    work.job = co_await on_shard(work.partition(), [options](Partition& partition) {
        const auto what = partition.find_cleanable();  // it may have changed since it was looked at
        return what && *what ? std::shared_ptr<CleaningJob>(partition.log().begin_cleaning(**what, options)) : nullptr;
    });
    const bool progressed = work.job && co_await carry_out(work);
    worked_on_ = wanted_back_ = nullptr;
    changed_.notify_all();
    co_return progressed;
}

Task<bool> LogCleaner::carry_out(Work& work) {
    Result<bool> done = co_await rewrite(work);
    bool progressed = done && *done;
    if (!done) progressed = co_await give_up(work, std::move(done).error());
    co_await remove_retired(work);
    co_return progressed;
}

Task<void> LogCleaner::remove_retired(Work& work) {
    const auto delay = co_await on_shard(work.partition(), [](Partition& partition) {
        return runtime::duration_of_ms(partition.log().config().file_delete_delay_ms);
    });
    if (auto retired = work.job->take_retired(); !retired.empty()) ports_.remove_later(std::move(retired), delay);
}

Task<Result<bool>> LogCleaner::rewrite(Work& work) {
    const auto job = work.job;
    for (;;) {
        if (stopping_ || wanted_back_ != nullptr || directory_.is_offline()) {
            static_cast<void>(co_await on_disk([job] { return job->discard(); }));
            co_return false;
        }
        const std::uint64_t read_before = job->bytes_read();
        const std::uint64_t written_before = job->bytes_written();
        const auto step = co_await on_disk([job] { return job->run(); });
        if (job->bytes_written() > written_before) directory_.note_appended(job->bytes_written() - written_before);
        if (!step) co_return std::unexpected(step.error());
        if (*step == CleaningJob::Step::done) break;
        if (*step == CleaningJob::Step::replace) {
            const Result<bool> replaced = co_await put_in_place(work);
            if (!replaced || !*replaced) co_return replaced;
        }
        co_await pause(work, job->bytes_read() - read_before);
    }
    co_await on_shard(work.partition(), [job](Partition& partition) { partition.log().finish_cleaning(*job); });
    log::info("{}-{} is compacted up to offset {}: {} bytes have become {}", work.name().topic, work.name().partition,
              job->cleaned_end(), job->bytes_replaced(), job->bytes_written());
    co_return true;
}

// False where it was not to be.
Task<Result<bool>> LogCleaner::put_in_place(Work& work) {
    const auto job = work.job;
    Partition& partition = work.partition();
    if (!co_await on_shard(partition, [job](Partition& there) { return there.log().begin_replacement(*job); })) {
        if (auto gone = co_await on_disk([job] { return job->discard(); }); !gone)
            co_return std::unexpected(gone.error());
        co_return false;
    }
    const auto staged = co_await on_disk([job] { return job->stage(); });
    if (!staged) co_return std::unexpected(staged.error());
    co_await on_shard(partition, [job](Partition& there) { there.log().adopt_replacement(*job); });
    for (bool told = false;;) {
        const auto retired = co_await on_disk([job] { return job->retire(); });
        const auto finished = co_await on_shard(
            partition, [job, retired](Partition& there) { return there.log().finish_replacement(*job, retired); });
        if (finished) break;
        if (!is_shortage(finished.error())) co_return fail(Errc::io, finished.error().message);
        if (!std::exchange(told, true)) tell_of_shortage(work, finished.error());
        co_await remove_retired(work);  // a start needs them no more, and they may be the room
        if (co_await may_wait(runtime::after(shard_.now(), shortage_interval))) continue;
        co_await on_shard(partition, [job](Partition& there) { there.log().leave_replacement(*job); });
        co_return false;
    }
    const auto settled = co_await on_disk([job] { return job->settle(); });
    // The names are in order, as far as this life sees; where they are not after a crash, a start puts them so.
    if (!settled && !is_shortage(settled.error())) co_return std::unexpected(settled.error());
    co_return true;
}

Task<void> LogCleaner::pause(Work& work, std::uint64_t bytes_read) {
    const double rate = work.settings.bytes_per_second;
    if (!(rate > 0)) co_return;
    const double seconds = std::min(static_cast<double>(bytes_read) / rate, 3600.0);
    const auto until = runtime::after(
        shard_.now(), std::chrono::duration_cast<runtime::Duration>(std::chrono::duration<double>(seconds)));
    co_await may_wait(until);
}

// False where what is worked on is to be left before.
Task<bool> LogCleaner::may_wait(runtime::TimePoint until) {
    while (!stopping_ && wanted_back_ == nullptr && shard_.now() < until) co_await changed_.wait(until);
    co_return !stopping_ && wanted_back_ == nullptr;
}

void LogCleaner::tell_of_shortage(const Work& work, const Error& error) {
    log::warn("compaction of {}-{} waits: {}", work.name().topic, work.name().partition, error.message);
}

// True when others are to be looked at right away.
Task<bool> LogCleaner::give_up(Work& work, Error error) {
    const auto job = work.job;
    if (error.code == Errc::io) {
        directory_.set_offline(error);
        co_await on_shard(work.partition(), [](Partition& there) {
            if (there.log().failure()) there.on_durable();
        });
        co_return false;
    }
    if (is_shortage(error)) tell_of_shortage(work, error);
    auto discarded = co_await on_disk([job] { return job->discard(); });
    while (!discarded && is_shortage(discarded.error()) &&
           co_await may_wait(runtime::after(shard_.now(), shortage_interval)))
        discarded = co_await on_disk([job] { return job->discard(); });
    if (!discarded && discarded.error().code == Errc::io) directory_.set_offline(discarded.error());
    const bool is_current = co_await on_shard(work.partition(), [job, whole = discarded.has_value()](Partition& there) {
        // What could not be discarded would be completed by a start: nothing may change beneath it.
        if (whole) there.log().abandon_replacement();
        return there.log().is_current(*job);
    });
    if (is_shortage(error)) co_return false;
    if (is_current) set_aside(work.candidate, error.message);
    co_return true;
}

}  // namespace moldau::node
