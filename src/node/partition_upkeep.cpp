// What the manager does by the clock: free space, retention, checkpoints.

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <utility>

#include <moldau/base/log.h>

#include "partition_manager.h"

namespace moldau::node {
namespace {

using replication::Partition;
using runtime::Task;

constexpr runtime::Duration measure_interval = std::chrono::seconds(1);

/// On the shard of them all.
storage::Checkpoints checkpoints_of(const std::vector<std::shared_ptr<Partition>>& partitions) {
    storage::Checkpoints checkpoints;
    for (const auto& partition : partitions) {
        const storage::Log& log = partition->log();
        checkpoints.recovery_points[log.name()] = log.recovery_point();
        checkpoints.log_starts[log.name()] = log.log_start();
        if (log.first_dirty() != no_offset) checkpoints.first_dirty[log.name()] = log.first_dirty();
        checkpoints.high_watermarks[log.name()] = std::min(partition->high_watermark(), log.durable_end());
    }
    return checkpoints;
}

}  // namespace

Task<void> PartitionManager::maintain(runtime::Gate::Hold hold) {
    auto next_space = runtime::after(shard_.now(), measure_interval);
    auto next_retention = runtime::after(shard_.now(), times_.retention_delay);
    auto next_checkpoint = runtime::after(shard_.now(), times_.checkpoint_interval);
    while (!closing_) {
        const auto next = std::min({next_space, next_retention, next_checkpoint});
        while (!closing_ && shard_.now() < next) co_await changed_.wait(next);
        if (closing_) break;
        if (shard_.now() >= next_space) {
            const Result<> measured =
                co_await runtime::run_blocking(world_.disk, shard_, [&directory = directory_]() -> Result<> {
                    MOLDAU_CHECK(directory.refresh_free_space());
                    return directory.keep_spare_file();
                });
            if (!measured) log::warn("cannot measure the free space: {}", measured.error().message);
            next_space = runtime::after(shard_.now(), measure_interval);
        }
        if (shard_.now() >= next_retention) {
            runtime::Duration pause = times_.retention_interval;
            Result<> applied = co_await apply_retention();
            if (!applied && applied.error().code == Errc::no_space && co_await give_up_spare_file())
                applied = co_await apply_retention();
            if (!applied) {
                log::warn("retention waits: {}", applied.error().message);
                // What a log's checkpoint must come before may go soon.
                if (is_shortage(applied.error())) pause = std::min(pause, 2 * times_.checkpoint_interval);
            }
            next_retention = runtime::after(shard_.now(), pause);
        }
        if (retry_due()) listener_.on_retry_due();
        if (shard_.now() >= next_checkpoint) {
            co_await write_checkpoints();
            next_checkpoint = runtime::after(shard_.now(), times_.checkpoint_interval);
        }
        if (directory_.is_offline() && listener_.on_offline)
            std::exchange(listener_.on_offline, nullptr)(directory_.offline_reason());
    }
    (void)hold;
}

Task<Result<>> PartitionManager::apply_retention() {
    std::vector<std::shared_ptr<Partition>> due;
    std::vector<storage::Expiry> expiries;  // of each
    Result<> shortage;
    const PartitionTable table = table_;  // the one of now: it may change meanwhile
    for (const auto& [key, partition] : table) {
        if (closing_) break;
        auto expired = co_await on_shard(*partition, [](Partition& there) { return there.find_expired(); });
        if (!expired) {
            if (is_shortage(expired.error())) shortage = std::unexpected(std::move(expired).error());
            continue;
        }
        if (!*expired) continue;
        due.push_back(partition);
        expiries.push_back(std::move(**expired));
    }
    if (due.empty()) co_return shortage;
    const Result<> durable =
        co_await runtime::run_blocking(world_.disk, shard_, [&disk = world_.disk, expiries]() -> Result<> {
            for (const storage::Expiry& each : expiries) MOLDAU_CHECK(each.make_durable(disk));
            return {};
        });
    if (!durable) {
        if (durable.error().code == Errc::io) directory_.set_offline(durable.error());
        co_return durable;
    }
    for (std::size_t i = 0; i < due.size(); ++i)
        co_await on_shard(*due[i], [&expiry = expiries[i]](Partition& there) { there.let_go(expiry); });
    // Where the log starts is noted before the first file goes.
    if (Result<> noted = co_await write_checkpoints(); !noted) co_return noted;
    std::map<runtime::Duration, std::vector<std::string>> removed;
    for (const auto& partition : due) {
        for (bool more = true; more && !closing_;) {
            auto [deleted, delay_ms] = co_await on_shard(*partition, [](Partition& there) {
                return std::pair(there.delete_expired(), there.log().config().file_delete_delay_ms);
            });
            more = !deleted.empty();
            std::ranges::move(deleted, std::back_inserter(removed[runtime::duration_of_ms(delay_ms)]));
            co_await runtime::yield(shard_);
        }
    }
    for (auto& [delay, paths] : removed)
        if (auto hold = tasks_.enter()) runtime::spawn(shard_, remove_files(std::move(paths), delay, std::move(hold)));
    co_return shortage;
}

LogCleaner::Ports PartitionManager::cleaner_ports(CleanerSettingsOf settings) {
    return {.settings = std::move(settings),
            .table = [this]() -> const PartitionTable& { return table_; },
            .remove_later =
                [this](std::vector<std::string> paths, runtime::Duration delay) {
                    if (auto hold = tasks_.enter())
                        runtime::spawn(shard_, remove_files(std::move(paths), delay, std::move(hold)));
                }};
}

Task<void> PartitionManager::remove_files(std::vector<std::string> paths, runtime::Duration delay,
                                          runtime::Gate::Hold hold) {
    const auto due = runtime::after(shard_.now(), delay);
    while (!closing_ && shard_.now() < due) co_await changed_.wait(due);
    const Result<> removed = co_await runtime::run_blocking(
        world_.disk, shard_, [&disk = world_.disk, paths = std::move(paths)]() -> Result<> {
            Result<> all;
            for (const std::string& path : paths) {
                Result<> one = disk.remove(path);
                // The whole partition may have been deleted meanwhile.
                if (!one && one.error().code != Errc::not_found) all = std::move(one);
            }
            return all;
        });
    if (!removed) log::warn("old segments stay: {}", removed.error().message);
    (void)hold;
}

Task<Result<>> PartitionManager::write_checkpoints() {
    co_await take_turn();
    const auto checkpoints = co_await collect_checkpoints();
    const Result<> written = co_await runtime::run_blocking(
        world_.disk, shard_,
        [&directory = directory_, checkpoints] { return directory.write_checkpoints(*checkpoints); });
    if (!written) log::error("cannot write the checkpoints: {}", written.error().message);
    end_turn();
    co_return written;
}

Task<bool> PartitionManager::give_up_spare_file() {
    co_return co_await runtime::run_blocking(world_.disk, shard_,
                                             [&directory = directory_] { return directory.give_up_spare_file(); });
}

Task<std::shared_ptr<storage::Checkpoints>> PartitionManager::collect_checkpoints() {
    std::vector<std::vector<std::shared_ptr<Partition>>> by_shard(world_.shards.size());
    for (const auto& [key, partition] : table_) by_shard[partition->shard().index()].push_back(partition);
    const auto all = std::make_shared<storage::Checkpoints>();
    for (std::size_t i = 0; i < by_shard.size(); ++i) {
        if (by_shard[i].empty()) continue;
        runtime::Shard& there = world_.shard(i);
        storage::Checkpoints some =
            co_await runtime::call_on(shard_, there, [of = std::move(by_shard[i])] { return checkpoints_of(of); });
        all->recovery_points.merge(some.recovery_points);
        all->log_starts.merge(some.log_starts);
        all->high_watermarks.merge(some.high_watermarks);
        all->first_dirty.merge(some.first_dirty);
    }
    if (listener_.on_checkpoint) listener_.on_checkpoint(*all);
    co_return all;
}

Task<void> PartitionManager::take_turn() {
    while (turn_taken_) co_await changed_.wait();
    turn_taken_ = true;
}

void PartitionManager::end_turn() {
    turn_taken_ = false;
    changed_.notify_all();
}

}  // namespace moldau::node
