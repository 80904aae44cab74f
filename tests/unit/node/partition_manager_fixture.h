#pragma once
// A partition manager on a disk in memory, and the metadata that it follows.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <moldau/node/view.h>
#include <moldau/protocol/batch_builder.h>
#include <moldau/storage/partition_metadata.h>

#include "partition_manager.h"
#include "support/manual_shard.h"
#include "support/memory_disk.h"
#include "support/no_transport.h"

namespace moldau::node {

using namespace std::chrono_literals;
using metadata::Image;

inline constexpr NodeId this_node{1};
inline constexpr NodeId other_node{2};
inline const TopicId old_orders = Uuid::from_halves(7, 1);
inline const TopicId new_orders = Uuid::from_halves(7, 2);
inline const TopicId payments = Uuid::from_halves(7, 3);

class PartitionManagerTest : public testing::Test {
 protected:
    void SetUp() override { ASSERT_TRUE(disk.create_directories("/data")); }
    void TearDown() override { stop(); }  // its coroutines end before it does

    void start() {
        auto opened = storage::LogDirectory::open(disk, "/data");
        ASSERT_TRUE(opened) << opened.error().message;
        directory = std::move(*opened);
        tools.push_back(std::make_unique<replication::PartitionTools>(disk, shard));
        tools.front()->directory = directory.get();
        PartitionManager::Listener listener;
        listener.on_offline = [this](const Error& error) { offline = error.message; };
        listener.on_retry_due = [this] { ++retries; };
        manager = std::make_unique<PartitionManager>(
            world, this_node, *directory, tools, [this](const Image&, std::string_view) { return settings; },
            [this] { return cleaner; }, times, std::move(listener));
    }
    /// Whether all closed cleanly.
    bool stop(bool marked = true) {
        std::optional<storage::Checkpoints> noted;
        if (manager == nullptr) return false;
        runtime::spawn(shard,
                       [](PartitionManager& closed, std::optional<storage::Checkpoints>& into) -> runtime::Task<void> {
                           into = co_await closed.close();
                       }(*manager, noted));
        settle();
        const bool clean = noted && marked && directory->close_cleanly(*noted, BrokerEpoch(1));
        drop();
        return clean;
    }
    void drop() {
        settle();
        manager.reset();
        tools.clear();
        directory.reset();
    }
    void settle() {
        while (shard.run_ready() || disk.run_blocking_work()) {
        }
    }
    void advance(runtime::Duration step) {
        // In steps: what was started at a deadline waits for the disk.
        for (const runtime::TimePoint end = shard.now() + step; shard.now() < end; settle())
            shard.advance(std::min<runtime::Duration>(100ms, end - shard.now()));
    }

    /// The image has this topic from now on.
    void put(const TopicId& id, const std::string& name, int partitions = 1, NodeId replica = this_node) {
        auto topic = std::make_shared<metadata::Topic>();
        topic->name = name;
        topic->id = id;
        metadata::Delta::TopicChange& change = touch(id);
        for (int i = 0; i < partitions; ++i) {
            metadata::Partition partition;
            partition.replicas = {replica};
            partition.leader = replica;
            topic->partitions.set(PartitionIndex(i), partition);
            change.partitions.insert(PartitionIndex(i));
        }
        image.topics_by_id.set(id, topic);
        image.topics_by_name.set(name, topic);
    }
    void take(const TopicId& id) {
        touch(id);
        image.topics_by_name.erase(image.find_topic(id)->name);
        image.topics_by_id.erase(id);
    }
    metadata::Delta::TopicChange& touch(const TopicId& id) {
        const auto [change, is_new] = delta.topics.try_emplace(id);
        if (is_new) change->second.before = image.find_topic(id);
        return change->second;
    }
    void publish() {
        bool applied = false;
        runtime::spawn(shard, apply(std::exchange(delta, {}), applied));
        settle();
        EXPECT_TRUE(applied);
    }
    runtime::Task<void> apply(metadata::Delta changes, bool& done) {
        co_await manager->apply(changes, image);
        manager->retire();
        done = true;
    }

    replication::Partition* find(const TopicId& id, int index = 0) {
        const auto* found = manager->table().find(std::pair(id, PartitionIndex(index)));
        return found == nullptr ? nullptr : found->get();
    }
    void append(const TopicId& id, const protocol::BatchOptions& options = {}) {
        protocol::BatchBuilder builder(options);
        builder.append({.timestamp = shard.clock().wall_time(), .value = bytes_of(std::string(500, 'v'))});
        Bytes batch = builder.finish();
        auto& partition = **manager->table().find(std::pair(id, PartitionIndex(0)));
        EXPECT_EQ(partition.append(batch, {.acks_all = false, .produce_version = 9}).error, protocol::ErrorCode::none);
    }
    /// What a life leaves that did not end cleanly, of whose metadata nothing is known any more.
    void die_with_two_old_orders() {
        start();
        put(old_orders, "orders");
        publish();
        append(old_orders);
        append(old_orders);
        stop(false);
        image = {};
    }
    /// A directory as an earlier life has left it.
    void leave_directory(const std::string& path, const std::optional<TopicId>& id) {
        ASSERT_TRUE(disk.create_directories(path));
        if (id) ASSERT_TRUE(storage::write_partition_metadata(disk, path, *id));
    }
    void leave_checkpoint(const std::string& lines) {
        for (const char* name : {"recovery-point-offset-checkpoint", "log-start-offset-checkpoint"})
            ASSERT_TRUE(runtime::write_atomically(disk, std::string("/data/") + name, bytes_of(lines)));
    }
    /// The names in the data directory that begin so, of the directories.
    std::vector<std::string> directories(std::string_view beginning) {
        std::vector<std::string> found;
        for (const auto& entry : *disk.list("/data"))
            if (entry.is_directory && entry.name.starts_with(beginning)) found.push_back(entry.name);
        return found;
    }
    std::string text(const std::string& name) { return std::string(text_of(disk.content("/data/" + name))); }

    runtime::MemoryDisk disk;
    runtime::ManualShard shard;
    runtime::NoTransport transport;
    runtime::Shard* shards[1] = {&shard};
    runtime::World world{disk, transport, shards};
    std::unique_ptr<storage::LogDirectory> directory;
    std::vector<std::unique_ptr<replication::PartitionTools>> tools;
    TopicSettings settings;
    CleanerSettings cleaner;
    UpkeepTimes times{.checkpoint_interval = 5s, .retention_interval = 300s, .retention_delay = 30s};
    std::unique_ptr<PartitionManager> manager;
    Image image;
    metadata::Delta delta;
    std::string offline;
    int retries = 0;
};

}  // namespace moldau::node
