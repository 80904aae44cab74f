#pragma once
// Opens, closes and reconfigures this node's partitions as the metadata says. Owned by the node, on the first shard;
// the partitions themselves live on their own.

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <moldau/metadata/image_builder.h>
#include <moldau/node/view.h>
#include <moldau/runtime/world.h>
#include <moldau/storage/log_directory.h>

#include "log_cleaner.h"

namespace moldau::node {

/// The settings of a topic, as they hold on this node.
struct TopicSettings {
    replication::PartitionConfig partition;
    storage::LogConfig log;
};
using TopicSettingsOf = std::function<TopicSettings(const metadata::Image& image, std::string_view topic)>;
using CleanerSettingsOf = std::function<CleanerSettings()>;

/// How often the manager does what nobody asks for.
struct UpkeepTimes {
    runtime::Duration checkpoint_interval;  ///< of recovery points, log starts and high watermarks
    runtime::Duration retention_interval;   ///< log.retention.check.interval.ms
    runtime::Duration retention_delay;      ///< log.initial.task.delay.ms: until the first search for what is due
};

class PartitionManager {
 public:
    /// What the manager tells its node.
    struct Listener {
        std::function<void(const Error&)> on_offline;              ///< once: the log directory is used no more
        std::function<void()> on_retry_due;                        ///< retry_due() has become true
        std::function<void(storage::Checkpoints&)> on_checkpoint;  ///< adds what is noted of the directory's other logs
    };

    PartitionManager(const runtime::World& world, NodeId self, storage::LogDirectory& directory,
                     std::span<const std::unique_ptr<replication::PartitionTools>> tools, TopicSettingsOf settings,
                     CleanerSettingsOf cleaner_settings, const UpkeepTimes& times, Listener listener);
    ~PartitionManager();

    /// Makes the partitions what `after` says: opens the new ones, tells leaders and settings. Those that are gone, or
    /// no longer this node's, leave the table at once but serve until retire() is called. The first call, whose image
    /// is all that is known, also moves aside what is in the directory and not in it.
    runtime::Task<void> apply(const metadata::Delta& delta, const metadata::Image& after);

    /// Something that kept partitions from being opened may have gone: apply() would try again.
    bool retry_due() const;

    /// Closes what apply() took out of the table. Call once no view names it any more.
    void retire();

    const PartitionTable& table() const { return table_; }

    /// Whether records bear a producer id that the metadata had not given when their log was opened: it was restored
    /// from an older copy, or a client made it up. A new producer with that id would be taken for the old one.
    bool is_taken(ProducerId id) const { return taken_producer_ids_.contains(id); }

    /// Closes all partitions, everything durable; returns what to note at a clean shutdown, nothing when some failed.
    runtime::Task<std::optional<storage::Checkpoints>> close();

 private:
    struct Wanted {
        TopicId topic_id;
        std::string topic;
        PartitionIndex index;
        LeaderEpoch leader_epoch;
        bool leads = false;
    };

    /// A replica that could not be opened.
    struct Offline {
        TopicId topic_id;
        Errc why;
        runtime::TimePoint next_try;
    };
    bool retry_due(const Offline& offline) const;

    /// A replica that is no longer wanted here.
    struct Leaving {
        TopicId topic_id;
        storage::TopicPartition name;
        std::shared_ptr<replication::Partition> partition;  ///< null when it could not be opened
        runtime::Duration delete_delay{};
        bool has_directory = true;
    };

    bool is_replica(const metadata::Partition& partition) const;
    std::vector<Wanted> due_again(const metadata::Image& image) const;
    runtime::Task<void> reconfigure(const metadata::Delta& delta, const metadata::Image& after);
    runtime::Task<void> tell(const Wanted& wanted, replication::Partition& partition);

    // Coming: partition_opening.cpp.
    struct Opening;
    using SettingsByTopic = std::map<std::string, TopicSettings>;
    runtime::Task<void> open_all(std::vector<Wanted> wanted, const metadata::Image& image);
    class Progress;
    runtime::Task<void> open_batch(std::vector<Wanted> wanted, const metadata::Image& image,
                                   const SettingsByTopic& settings, Progress& progress);
    storage::LogOptions options_for(const Wanted& wanted, const TopicSettings& settings) const;
    /// On the I/O pool. Leaves what needs room as it is.
    void open_log(Opening& opening) const;
    runtime::Task<void> open_beside(Opening& opening, const metadata::Image& image);
    void note_offline(const Opening& opening);
    void note_opened(const Opening& opening, const metadata::Image& image);
    runtime::Task<void> make_partitions(std::vector<Opening> openings);
    /// Moves a namesake's directory out of the way, and brings back one that was moved aside when the metadata did not
    /// know it; each keeps its data. True when one was brought back. Errors: invalid when a living topic's directory
    /// stands there.
    runtime::Task<Result<bool>> make_room(const Wanted& wanted, const metadata::Image& image);
    runtime::Task<Result<bool>> bring_back(const Wanted& wanted, std::string path);
    unsigned least_loaded() const;

    // Going: partition_removal.cpp.
    void leave(const TopicId& id, const storage::TopicPartition& name);
    void leave_all(const TopicId& id, const metadata::Topic& topic);
    /// Begins the removal of partitions whose names are wanted again: a topic was made anew.
    void retire_namesakes(const std::vector<Wanted>& wanted);
    runtime::Task<void> remove(std::vector<Leaving> leaving, runtime::Gate::Hold hold);
    runtime::Task<void> close_leaving(Leaving& leaving);
    storage::Departure departure(const storage::TopicPartition& name, storage::PartitionDirectoryKind kind) const;
    /// Renames directories, which no checkpoint names from then on.
    runtime::Task<Result<>> take_away(std::vector<storage::Departure> departures);
    /// Removes what earlier lives have left, and moves aside what is not this node's.
    runtime::Task<void> tidy_up(const metadata::Image& image);
    std::vector<storage::Departure> strays(const std::vector<storage::PartitionDirectory>& there,
                                           const metadata::Image& image) const;
    /// Those whose topics were deleted by a life that did not come to take them away.
    static std::set<std::string> of_deleted_topics(runtime::Disk& disk, const std::vector<storage::Departure>& going,
                                                   const std::set<TopicId>& deleted);
    runtime::Task<void> remove_directories(std::vector<std::string> paths, runtime::Duration delay,
                                           runtime::Gate::Hold hold);
    runtime::Task<void> close_one(replication::Partition& partition, protocol::ErrorCode reason);
    runtime::Task<void> close_for_good(std::shared_ptr<replication::Partition> partition);

    // Upkeep: partition_upkeep.cpp.
    runtime::Task<void> maintain(runtime::Gate::Hold hold);
    /// What kept something from going, if anything did: of a shortage, the rest has gone.
    runtime::Task<Result<>> apply_retention();
    LogCleaner::Ports cleaner_ports(CleanerSettingsOf settings);
    runtime::Task<void> remove_files(std::vector<std::string> paths, runtime::Duration delay, runtime::Gate::Hold hold);
    runtime::Task<Result<>> write_checkpoints();
    runtime::Task<bool> give_up_spare_file();
    runtime::Task<std::shared_ptr<storage::Checkpoints>> collect_checkpoints();
    /// Checkpoints are written, and directories renamed, by one at a time.
    runtime::Task<void> take_turn();
    void end_turn();

    /// Calls `f` with the partition, on its shard.
    template <class F>
    auto on_shard(replication::Partition& partition, F f)
        -> runtime::Task<std::invoke_result_t<F&, replication::Partition&>> {
        return runtime::call_on(shard_, partition.shard(), [&partition, f]() mutable { return f(partition); });
    }

    runtime::World world_;
    runtime::Shard& shard_;
    NodeId self_;
    storage::LogDirectory& directory_;
    std::span<const std::unique_ptr<replication::PartitionTools>> tools_;  ///< one a shard
    TopicSettingsOf settings_;
    PartitionTable table_;
    std::vector<unsigned> load_;  ///< partitions a shard
    std::vector<Leaving> retiring_;
    const UpkeepTimes times_;
    std::set<storage::TopicPartition> leaving_;  ///< deleted, and their directories not renamed yet
    std::map<storage::TopicPartition, Offline> offline_;
    using Aside = std::map<std::pair<TopicId, PartitionIndex>, std::string>;
    static Aside find_aside(runtime::Disk& disk, const std::vector<storage::PartitionDirectory>& there);
    Aside aside_;  ///< directories that earlier lives have moved aside; an empty name: it was brought back
    bool tidied_up_ = false;
    std::set<TopicId> deleted_at_start_;  // by what the start replays of the metadata log; empty once that is applied
    std::set<ProducerId> taken_producer_ids_;
    bool was_applied_ = false;  ///< once, to the end
    bool all_closed_ = true;    ///< of those that were to be closed for good
    bool turn_taken_ = false;
    Listener listener_;
    runtime::Signal changed_;  ///< closing has begun, a turn has ended, or a directory was renamed
    runtime::Gate tasks_;
    LogCleaner cleaner_;
    bool closing_ = false;
};

}  // namespace moldau::node
