#pragma once
// Compacts this node's logs in the background: one at a time, the dirtiest first (storage/cleaning_job.h does the
// work, on the I/O pool, a slice at a time). Owned by the partition manager, on its shard.

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <moldau/node/view.h>
#include <moldau/runtime/world.h>
#include <moldau/storage/cleaning_job.h>
#include <moldau/storage/log_directory.h>

namespace moldau::node {

/// log.cleaner.*, as they are now.
struct CleanerSettings {
    bool enabled = true;
    runtime::Duration backoff = std::chrono::seconds(15);
    std::size_t map_bytes = 128UL << 20;
    double map_load = 0.9;
    double bytes_per_second = 0;  ///< read; not above 0: no bound
};

class LogCleaner {
 public:
    struct Ports {
        std::function<CleanerSettings()> settings;
        std::function<const PartitionTable&()> table;
        /// Removes files that nobody needs after a while.
        std::function<void(std::vector<std::string> paths, runtime::Duration delay)> remove_later;
    };

    LogCleaner(const runtime::World& world, runtime::Shard& shard, storage::LogDirectory& directory, Ports ports);

    /// Until stop().
    runtime::Task<void> run(runtime::Gate::Hold hold);
    void stop();
    /// Completes once the partition, which is no longer in the table, is not worked on any more.
    runtime::Task<void> release(const replication::Partition& partition);

 private:
    using Key = std::pair<TopicId, PartitionIndex>;
    struct Candidate {
        Key key;
        std::shared_ptr<replication::Partition> partition;
        storage::Cleanable what;
        std::string damage;  ///< why it cannot be looked at
    };
    struct Work;

    /// True when something was done.
    runtime::Task<bool> clean_dirtiest(CleanerSettings settings);
    runtime::Task<std::vector<Candidate>> collect();
    runtime::Task<bool> clean(Candidate candidate, CleanerSettings settings);
    runtime::Task<bool> carry_out(Work& work);
    /// False where it is to be left.
    runtime::Task<Result<bool>> rewrite(Work& work);
    runtime::Task<Result<bool>> put_in_place(Work& work);
    runtime::Task<void> pause(Work& work, std::uint64_t bytes_read);
    runtime::Task<void> remove_retired(Work& work);
    runtime::Task<bool> may_wait(runtime::TimePoint until);
    static void tell_of_shortage(const Work& work, const Error& error);
    runtime::Task<bool> give_up(Work& work, Error error);
    void set_aside(const Candidate& candidate, std::string_view why);

    template <class F>
    auto on_shard(replication::Partition& partition, F f)
        -> runtime::Task<std::invoke_result_t<F&, replication::Partition&>> {
        return runtime::call_on(shard_, partition.shard(), [&partition, f]() mutable { return f(partition); });
    }
    template <class F>
    auto on_disk(F f) {
        return runtime::run_blocking(world_.disk, shard_, std::move(f));
    }

    runtime::World world_;
    runtime::Shard& shard_;
    storage::LogDirectory& directory_;
    Ports ports_;
    std::set<Key> uncleanable_;                            ///< until the next start
    const replication::Partition* worked_on_ = nullptr;    ///< now
    const replication::Partition* wanted_back_ = nullptr;  ///< the same, by release()
    bool told_of_room_ = false;
    bool stopping_ = false;
    runtime::Signal changed_;
};

}  // namespace moldau::node
