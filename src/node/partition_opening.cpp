// How partitions come to this node: those that the metadata names and that are not open yet.

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <utility>

#include <moldau/base/log.h>
#include <moldau/storage/partition_metadata.h>

#include "at_once.h"
#include "partition_manager.h"

namespace moldau::node {
namespace {

using replication::Partition;
using runtime::Task;

/// Batches that are opened at once. A recovery takes a thread of the disk for as long as it reads: cold reads and
/// checkpoints need the others.
constexpr std::size_t opened_at_once = 4;
/// Logs that are opened in one turn of a thread, where there are many: to wake one costs as much as to open a log.
constexpr std::size_t most_in_a_batch = 16;
/// At least so many for each thread, where there are enough: some logs take far longer than others.
constexpr std::size_t batches_a_thread = 8;
/// After which a partition is tried again that found no room, or whose files could not be read.
constexpr runtime::Duration space_interval = std::chrono::seconds(1);
constexpr runtime::Duration retry_interval = std::chrono::seconds(30);
constexpr runtime::Duration telling_interval = std::chrono::seconds(5);

}  // namespace

/// Tells how far it is where it takes long: a recovery reads all that was written since the last checkpoint.
class PartitionManager::Progress {
 public:
    Progress(runtime::Shard& shard, std::size_t wanted) : shard_(shard), wanted_(wanted), told_(shard.now()) {}

    void add(std::size_t count) {
        tried_ += count;
        if (shard_.now() - told_ < telling_interval) return;
        told_ = shard_.now();
        log::info("opening partitions: {} of {} done", tried_, wanted_);
    }

 private:
    runtime::Shard& shard_;
    std::size_t wanted_;
    std::size_t tried_ = 0;
    runtime::TimePoint told_;
};

struct PartitionManager::Opening {
    Wanted wanted;
    const TopicSettings& settings;
    std::optional<storage::LogOptions> options;
    bool needs_room = false;  ///< something else is, or may be, in its place
    bool sync_failed = false;
    Result<std::unique_ptr<storage::Log>> log = fail(Errc::invalid, "a directory of another topic stands in its place");
};

Task<void> PartitionManager::open_all(std::vector<Wanted> wanted, const metadata::Image& image) {
    SettingsByTopic settings;
    for (const Wanted& each : wanted)
        if (!settings.contains(each.topic)) settings.emplace(each.topic, settings_(image, each.topic));
    Progress progress(shard_, wanted.size());
    const std::size_t size =
        std::clamp(wanted.size() / (opened_at_once * batches_a_thread), std::size_t{1}, most_in_a_batch);
    std::vector<std::vector<Wanted>> batches;
    for (Wanted& each : wanted) {
        if (batches.empty() || batches.back().size() == size) batches.emplace_back();
        batches.back().push_back(std::move(each));
    }
    co_await at_once(shard_, opened_at_once, std::move(batches), [this, &image, &settings, &progress](auto next) {
        return open_batch(std::move(next), image, settings, progress);
    });
}

Task<void> PartitionManager::open_batch(std::vector<Wanted> wanted, const metadata::Image& image,
                                        const SettingsByTopic& settings, Progress& progress) {
    std::vector<Opening> openings;
    openings.reserve(wanted.size());
    for (Wanted& each : wanted) {
        const storage::TopicPartition name{each.topic, each.index};
        while (leaving_.contains(name)) co_await changed_.wait();
        const TopicSettings& its = settings.at(each.topic);
        const bool is_aside = aside_.contains({each.topic_id, each.index});
        auto options = options_for(each, its);
        openings.push_back({std::move(each), its, std::move(options), is_aside});
    }
    co_await runtime::run_blocking(world_.disk, shard_, [this, &openings] {
        for (Opening& each : openings)
            if (!each.needs_room) open_log(each);
    });
    for (Opening& each : openings) {
        if (each.needs_room) co_await open_beside(each, image);
        if (each.sync_failed) directory_.set_offline(each.log.error());
        each.log ? note_opened(each, image) : note_offline(each);
    }
    const std::size_t count = openings.size();
    co_await make_partitions(std::move(openings));
    progress.add(count);
}

void PartitionManager::open_log(Opening& opening) const {
    const auto id = storage::read_partition_metadata(world_.disk, opening.options->directory);
    opening.needs_room = id && *id && **id != opening.wanted.topic_id;
    if (opening.needs_room) return;
    storage::LogOptions options = *opening.options;
    options.sync_failed = &opening.sync_failed;
    opening.log = id ? storage::Log::open(options) : std::unexpected(id.error());
}

storage::LogOptions PartitionManager::options_for(const Wanted& wanted, const TopicSettings& settings) const {
    storage::LogOptions options =
        directory_.options_for({wanted.topic, wanted.index}, settings.log, shard_.clock().wall_time());
    options.topic_id = wanted.topic_id;
    return options;
}

Task<void> PartitionManager::open_beside(Opening& opening, const metadata::Image& image) {
    const Result<bool> place = co_await make_room(opening.wanted, image);
    if (!place) {
        opening.log = std::unexpected(place.error());
        co_return;
    }
    // What was moved is not in the checkpoints any more.
    opening.options.emplace(options_for(opening.wanted, opening.settings));
    if (*place) {  // nothing is noted of it, not even who wrote it: all that is there counts
        opening.options->clean_shutdown = false;
        opening.options->written_by_kafka = true;
    }
    co_await runtime::run_blocking(world_.disk, shard_, [this, &opening] { open_log(opening); });
}

void PartitionManager::note_offline(const Opening& opening) {
    const auto& [topic_id, topic, index, leader_epoch, leads] = opening.wanted;
    const Error& error = opening.log.error();
    // It stays unopened: clients are told that the partition is not here, and nothing of it is touched.
    const runtime::Duration pause = is_shortage(error) ? space_interval : retry_interval;
    const Offline offline{topic_id, error.code, runtime::after(shard_.now(), pause)};
    const auto [there, is_new] = offline_.try_emplace({topic, index}, offline);
    if (is_new || there->second.why != offline.why)
        log::error("partition {}-{} is offline: {}", topic, index, error.message);
    there->second = offline;
}

void PartitionManager::note_opened(const Opening& opening, const metadata::Image& image) {
    const auto& producers = (*opening.log)->producers().producers();
    for (auto each = producers.lower_bound(image.next_producer_id); each != producers.end(); ++each)
        taken_producer_ids_.insert(each->first);
    const Wanted& wanted = opening.wanted;
    if (offline_.erase({wanted.topic, wanted.index}) > 0)
        log::info("partition {}-{} is back", wanted.topic, wanted.index);
}

Task<void> PartitionManager::make_partitions(std::vector<Opening> openings) {
    std::map<unsigned, std::vector<Opening*>> by_shard;
    for (Opening& each : openings) {
        if (!each.log) continue;
        const unsigned index = least_loaded();
        ++load_[index];
        by_shard[index].push_back(&each);
    }
    for (const auto& [index, of_shard] : by_shard) {
        // Made where they live, since they join what their shard keeps.
        const auto make = [&tools = *tools_[index], &of_shard] {
            std::vector<std::shared_ptr<Partition>> made;
            for (Opening* each : of_shard) {
                made.push_back(std::make_shared<Partition>(tools, std::move(*each->log), each->settings.partition));
                if (each->wanted.leads) made.back()->become_leader(each->wanted.leader_epoch);
            }
            return made;
        };
        runtime::Shard& there = world_.shard(index);
        std::vector<std::shared_ptr<Partition>> made = co_await runtime::call_on(shard_, there, make);
        for (std::size_t i = 0; i < made.size(); ++i)
            table_.set({of_shard[i]->wanted.topic_id, of_shard[i]->wanted.index}, std::move(made[i]));
    }
}

Task<Result<bool>> PartitionManager::make_room(const Wanted& wanted, const metadata::Image& image) {
    const storage::TopicPartition name{wanted.topic, wanted.index};
    const std::string path = runtime::join_path(directory_.path(), storage::partition_directory_name(name));
    const auto there = co_await runtime::run_blocking(
        world_.disk, shard_, [this, &path] { return storage::read_partition_metadata(world_.disk, path); });
    if (!there) co_return std::unexpected(there.error());
    if (*there && **there != wanted.topic_id) {
        if (const metadata::TopicPtr owner = image.find_topic(**there))
            co_return fail(Errc::invalid,
                           fmt::format("{} is a directory of topic '{}', as its partition.metadata has it: "
                                       "put the right one in its place, and start again",
                                       path, owner->name));
        const bool was_deleted = deleted_at_start_.contains(**there);
        const storage::Departure aside = departure(
            name, was_deleted ? storage::PartitionDirectoryKind::removed : storage::PartitionDirectoryKind::stray);
        const Result<> moved = co_await take_away({aside});
        if (!moved) co_return std::unexpected(moved.error());
        if (was_deleted) {
            runtime::spawn(shard_, remove_directories({aside.to}, {}, tasks_.enter()));
        } else {
            log::warn("{} is of topic id {}, the topic's is {}: it is kept as {}, and the partition begins empty", path,
                      **there, wanted.topic_id, aside.to);
        }
    }
    co_return co_await bring_back(wanted, path);
}

Task<Result<bool>> PartitionManager::bring_back(const Wanted& wanted, std::string path) {
    const auto aside = aside_.find({wanted.topic_id, wanted.index});
    if (aside == aside_.end()) co_return false;
    std::string& from = aside->second;
    if (from.empty()) co_return true;
    co_await take_turn();
    const Result<bool> brought = co_await runtime::run_blocking(
        world_.disk, shard_, [&directory = directory_, &from, &path] { return directory.bring_back(from, path); });
    end_turn();
    if (brought && *brought) log::warn("the metadata knows {} again: it is back as {}", std::exchange(from, {}), path);
    co_return brought;
}

unsigned PartitionManager::least_loaded() const {
    return static_cast<unsigned>(std::ranges::min_element(load_) - load_.begin());
}

}  // namespace moldau::node
