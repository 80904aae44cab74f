// A whole node on a disk in memory, turned by hand: its starts, and what keeps it alive.

#include <array>

#include <gtest/gtest.h>

#include <moldau/metadata/feature_levels.h>
#include <moldau/node/node.h>
#include <moldau/protocol/batch_builder.h>
#include <moldau/protocol/writer.h>

#include "support/node_machine.h"

namespace moldau::node {
namespace {

using namespace std::chrono_literals;
using runtime::Task;

/// One life of a node.
class Machine : public NodeMachine {
 public:
    using NodeMachine::NodeMachine;

    /// A topic's creation begins, and so many rounds of the disk's work are done of it; then the disk stands still for
    /// a while and the node is stopped meanwhile. Whether that stop was clean.
    bool stop_within_creation(int rounds) {
        ask_for("created");
        spawn(node_.controller().call(shard_, creation_, ControllerDriver::unbounded));
        for (shard_.run_ready(); rounds > 0 && disk_.run_blocking_work(); --rounds) shard_.run_ready();
        started_ = false;
        const auto clean = spawn(node_.stop());
        for (int i = 0; i < 20; ++i) {
            shard_.advance(1s);
            shard_.run_ready();
        }
        for (int i = 0; i < 200 && !*clean; ++i) advance(100ms);
        return clean->value_or(false);
    }
    /// What the creation of a topic is answered with while the disk stands still for `stillness`.
    std::optional<Result<protocol::CreateTopicsResponse>> create_topic_on_still_disk(const std::string& name,
                                                                                     runtime::Duration patience,
                                                                                     runtime::Duration stillness) {
        ask_for(name);
        const auto result = spawn(node_.controller().call(shard_, creation_, patience));
        stand_still(stillness);
        return *result;
    }
    /// What so many are answered who ask for a producer id while the disk stands still for `stillness`.
    std::vector<std::optional<Result<ProducerId>>> ask_for_producer_ids(int count, runtime::Duration stillness) {
        std::vector<std::shared_ptr<std::optional<Result<ProducerId>>>> asked;
        for (int i = 0; i < count; ++i) asked.push_back(spawn(node_.next_producer_id(shard_)));
        stand_still(stillness);
        std::vector<std::optional<Result<ProducerId>>> answers;
        for (const auto& each : asked) answers.push_back(*each);
        return answers;
    }
    /// What clients are told who ask for a partition.
    protocol::ErrorCode error_of(std::string_view topic) {
        const View& view = node_.view(shard_);
        return view.find(*view.image->find_topic(topic), PartitionIndex(0), NodeId(1)).error;
    }
    /// Another broker joins, and is unfenced.
    void join(NodeId id) {
        protocol::BrokerRegistrationRequest broker;
        broker.broker_id = id;
        broker.cluster_id = protocol::Text(node_.cluster_id());
        broker.incarnation_id = shard_.random().uuid();
        broker.log_dirs = {shard_.random().uuid()};
        broker.rack.reset();
        for (const metadata::SupportedFeature& feature : metadata::registered_features())
            broker.features.push_back({.name = protocol::Text(feature.name),
                                       .min_supported_version = feature.min_version,
                                       .max_supported_version = feature.max_version});
        const auto registered = run(node_.controller().call(shard_, broker, ControllerDriver::unbounded));
        ASSERT_TRUE(registered && *registered);
        protocol::BrokerHeartbeatRequest alive;
        alive.broker_id = id;
        alive.broker_epoch = (*registered)->broker_epoch;
        alive.current_metadata_offset = metadata_end();
        const auto answer = run(node_.controller().call(shard_, alive, ControllerDriver::unbounded));
        ASSERT_TRUE(answer && *answer);
        ASSERT_FALSE(image().find_broker(id)->fenced);
    }
    Offset metadata_end() {
        const auto quorum = run(node_.describe_quorum(shard_));
        return quorum->topics.at(0).partitions.at(0).high_watermark;
    }

 private:
    void stand_still(runtime::Duration time) {
        constexpr runtime::Duration step = 100ms;
        shard_.run_ready();
        for (runtime::Duration passed{}; passed < time; passed += step) {
            shard_.advance(step);
            shard_.run_ready();
        }
    }
};

const std::string metadata_log = "/data/__cluster_metadata-0/00000000000000000000.log";
const std::string clean_marker = "/data/.kafka_cleanshutdown";

/// Flips a bit of the record that made `topic`.
void damage(runtime::MemoryDisk& disk, std::string_view topic) {
    Bytes& content = disk.content(metadata_log);
    const std::size_t at = text_of(content).find(topic);
    ASSERT_NE(at, std::string_view::npos);
    content[at] ^= 1;
}

void expect_refused(runtime::MemoryDisk& disk, int starts) {
    const Bytes before = disk.content(metadata_log);
    for (int i = 0; i < starts; ++i) {
        Machine machine(disk);
        const auto started = machine.start();
        ASSERT_FALSE(started) << "start " << i;
        EXPECT_EQ(started.error().code, Errc::corrupt) << started.error().message;
        EXPECT_NE(started.error().message.find(metadata_log), std::string::npos) << started.error().message;
        EXPECT_FALSE(machine.stop());
        EXPECT_EQ(disk.content(metadata_log), before);
    }
}

/// What is on disk when a node dies that made `topics` so long ago that all is checkpointed.
void die_with(const std::vector<std::string>& topics, runtime::MemoryDisk& left) {
    runtime::MemoryDisk disk;
    Machine machine(disk);
    ASSERT_TRUE(machine.start());
    for (const std::string& topic : topics) ASSERT_TRUE(machine.create_topic(topic));
    machine.advance(7s);
    left.take_image_of(disk);
}

TEST(Life, AfterACrashTopicsAreThere) {
    runtime::MemoryDisk disk;
    ASSERT_NO_FATAL_FAILURE(die_with({"first", "second"}, disk));
    Machine machine(disk);
    ASSERT_TRUE(machine.start());
    EXPECT_NE(machine.image().find_topic("first"), nullptr);
    EXPECT_NE(machine.image().find_topic("second"), nullptr);
}

TEST(Life, AfterACrashDamageToWhatWasDurableKeepsTheNodeFromStarting) {
    runtime::MemoryDisk disk;
    ASSERT_NO_FATAL_FAILURE(die_with({"first", "second"}, disk));
    damage(disk, "first");
    expect_refused(disk, 2);
}

TEST(Life, DamageAfterACleanStopIsNoCrashAtTheSecondStartEither) {
    runtime::MemoryDisk disk;
    {
        Machine machine(disk);
        ASSERT_TRUE(machine.start());
        ASSERT_TRUE(machine.create_topic("first"));
        ASSERT_TRUE(machine.stop());
    }
    ASSERT_TRUE(disk.has(clean_marker));
    damage(disk, "first");
    expect_refused(disk, 2);
    EXPECT_TRUE(disk.has(clean_marker));
}

TEST(Life, AMissingMetadataLogKeepsTheNodeFromStarting) {
    runtime::MemoryDisk disk;
    ASSERT_NO_FATAL_FAILURE(die_with({"first"}, disk));
    ASSERT_TRUE(disk.remove(metadata_log));
    Machine machine(disk);
    const auto started = machine.start();
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Errc::corrupt) << started.error().message;
}

TEST(Life, ATornTailIsCut) {
    runtime::MemoryDisk disk;
    ASSERT_NO_FATAL_FAILURE(die_with({"first"}, disk));
    Bytes& content = disk.content(metadata_log);
    content.insert(content.end(), 70, 0x55);  // a batch that did not reach the disk whole
    Machine machine(disk);
    ASSERT_TRUE(machine.start());
    EXPECT_NE(machine.image().find_topic("first"), nullptr);
    EXPECT_TRUE(machine.stop());
}

TEST(Life, ADirectoryThatKafkaUsedLastIsOpenedByKafkasRule) {
    runtime::MemoryDisk disk;
    ASSERT_NO_FATAL_FAILURE(die_with({"first", "second"}, disk));
    // As Kafka writes it, which names no metadata log.
    ASSERT_TRUE(runtime::write_atomically(disk, "/data/replication-offset-checkpoint",
                                          bytes_of("0\n2\nfirst 0 0\nsecond 0 0\n")));
    damage(disk, "second");
    Machine machine(disk);
    ASSERT_TRUE(machine.start());
    EXPECT_NE(machine.image().find_topic("first"), nullptr);
    EXPECT_EQ(machine.image().find_topic("second"), nullptr);
}

TEST(Life, WhoRemovesTheNoteOfWhatWasDurableGetsWhatStandsBeforeTheDamage) {
    runtime::MemoryDisk disk;
    ASSERT_NO_FATAL_FAILURE(die_with({"first", "second"}, disk));
    damage(disk, "second");
    ASSERT_TRUE(disk.remove("/data/replication-offset-checkpoint"));
    Machine machine(disk);
    ASSERT_TRUE(machine.start());
    EXPECT_NE(machine.image().find_topic("first"), nullptr);
    EXPECT_EQ(machine.image().find_topic("second"), nullptr);
}

TEST(Life, TheMarkOfACleanStopGoesBeforeAnythingIsWritten) {
    runtime::MemoryDisk disk;
    {
        Machine machine(disk);
        ASSERT_TRUE(machine.start());
        ASSERT_TRUE(machine.stop());
    }
    ASSERT_TRUE(disk.has(clean_marker));
    Machine machine(disk);
    ASSERT_TRUE(machine.start());
    EXPECT_FALSE(disk.has(clean_marker));
}

/// As another broker would: the feature is finalised behind all that the log holds.
void finalise(runtime::MemoryDisk& disk, const std::string& name, std::int16_t level) {
    Bytes& content = disk.content(metadata_log);
    Offset end{0};
    LeaderEpoch epoch = no_leader_epoch;
    protocol::BatchIterator batches{ByteView(content)};
    for (protocol::BatchView batch; batches.next(batch);) {
        end = batch.next_offset();
        epoch = batch.partition_leader_epoch();
    }
    protocol::FeatureLevelRecord record;
    record.name = protocol::Text(name);
    record.feature_level = level;
    protocol::Writer writer;
    protocol::encode_metadata_record(record, 0, writer);
    protocol::BatchBuilder builder({.base_offset = end, .leader_epoch = epoch});
    builder.append({.timestamp = Timestamp(0), .value = writer.view()});
    const Bytes batch = builder.finish();
    content.insert(content.end(), batch.begin(), batch.end());
}

TEST(Life, AStartThatIsRefusedForItsFeaturesWritesNothing) {
    runtime::MemoryDisk disk;
    ASSERT_NO_FATAL_FAILURE(die_with({"first"}, disk));
    finalise(disk, "transaction.version", 2);
    const Bytes log = disk.content(metadata_log);
    const Bytes noted = disk.content("/data/replication-offset-checkpoint");
    Machine machine(disk);
    const auto started = machine.start();
    ASSERT_FALSE(started);
    EXPECT_NE(started.error().message.find("transaction.version"), std::string::npos) << started.error().message;
    EXPECT_FALSE(machine.stop());
    EXPECT_FALSE(disk.has(clean_marker)) << "it was left by a crash, and nobody has looked at its logs";
    EXPECT_EQ(disk.content(metadata_log), log);
    EXPECT_EQ(disk.content("/data/replication-offset-checkpoint"), noted);
}

TEST(Life, APartitionThatCannotBeOpenedIsToldAsSuchUntilItIsBack) {
    runtime::MemoryDisk disk;
    ASSERT_NO_FATAL_FAILURE(die_with({"first", "second"}, disk));
    disk.fail_open_of = "/data/first-0/00000000000000000000.log";
    Machine machine(disk);
    ASSERT_TRUE(machine.start());
    EXPECT_EQ(machine.error_of("first"), protocol::ErrorCode::kafka_storage_error);
    EXPECT_EQ(machine.error_of("second"), protocol::ErrorCode::none);
    disk.fail_open_of.clear();
    machine.advance(40s);
    EXPECT_EQ(machine.error_of("first"), protocol::ErrorCode::none);
}

TEST(Life, AChangeThatDoesNotStandInTimeIsAnsweredAndStandsLater) {
    runtime::MemoryDisk disk;
    Machine machine(disk);
    ASSERT_TRUE(machine.start());
    EXPECT_FALSE(machine.create_topic_on_still_disk("first", 5s, 4s)) << "it waits as long as it was asked to";
    const auto late = machine.create_topic_on_still_disk("second", 5s, 6s);
    ASSERT_TRUE(late);
    EXPECT_EQ(late->error().code, Errc::timed_out);
    EXPECT_EQ(machine.image().find_topic("second"), nullptr);
    machine.advance(1s);
    EXPECT_NE(machine.image().find_topic("second"), nullptr);
}

TEST(Life, WhoAsksForAProducerIdIsAnsweredWithinHalfAMinute) {
    runtime::MemoryDisk disk;
    Machine machine(disk);
    ASSERT_TRUE(machine.start());
    for (const auto& answer : machine.ask_for_producer_ids(3, 31s)) {
        ASSERT_TRUE(answer);
        ASSERT_FALSE(*answer);
        EXPECT_EQ(answer->error().code, Errc::timed_out);
    }
    machine.advance(1s);
    for (const auto& answer : machine.ask_for_producer_ids(1, 0s)) EXPECT_FALSE(answer) << "another block comes";
    machine.advance(1s);
    for (const auto& answer : machine.ask_for_producer_ids(3, 0s)) EXPECT_TRUE(answer && *answer);
}

TEST(Life, AStopWaitsForADiskThatTakesItsTime) {
    for (int rounds = 0; rounds < 6; ++rounds) {
        runtime::MemoryDisk disk;
        {
            Machine machine(disk);
            ASSERT_TRUE(machine.start());
            EXPECT_TRUE(machine.stop_within_creation(rounds)) << "after " << rounds << " rounds of the disk's work";
        }
        Machine again(disk);
        EXPECT_TRUE(again.start());
    }
}

TEST(Life, WithoutNoOpRecordsAnIdleLogRestsAndTheBrokerStaysUnfenced) {
    runtime::MemoryDisk disk;
    Machine machine(disk, {{"metadata.max.idle.interval.ms", "0"}});
    ASSERT_TRUE(machine.start());
    machine.advance(1s);
    const Offset end = machine.metadata_end();
    machine.advance(60s);
    EXPECT_EQ(machine.metadata_end(), end);
    EXPECT_FALSE(machine.image().find_broker(NodeId(1))->fenced);
}

TEST(Life, RareNoOpRecordsDoNotFenceTheBroker) {
    runtime::MemoryDisk disk;
    Machine machine(disk, {{"metadata.max.idle.interval.ms", "20000"}});
    ASSERT_TRUE(machine.start());
    machine.advance(1s);
    const Offset end = machine.metadata_end();
    machine.advance(65s);
    EXPECT_EQ(machine.metadata_end(), end + 3);
    EXPECT_FALSE(machine.image().find_broker(NodeId(1))->fenced);
}

TEST(Life, TheLongestIntervalsAreForEverNotAtOnce) {
    const std::string longest = std::to_string(INT64_MAX);
    runtime::MemoryDisk disk;
    Machine machine(disk, {{"log.initial.task.delay.ms", longest},
                           {"log.retention.check.interval.ms", longest},
                           {"replica.high.watermark.checkpoint.interval.ms", longest}});
    ASSERT_TRUE(machine.start());
    ASSERT_TRUE(machine.create_topic("orders"));
    machine.advance(10s);
    EXPECT_FALSE(disk.has("/data/recovery-point-offset-checkpoint"));
    EXPECT_EQ(machine.failure, "");
    EXPECT_TRUE(machine.stop());
}

TEST(Life, HeartbeatsWithoutAPauseLeaveTimeForTheRest) {
    for (const char* interval_ms : {"0", "-1"}) {
        runtime::MemoryDisk disk;
        Machine machine(disk, {{"broker.heartbeat.interval.ms", interval_ms}});
        ASSERT_TRUE(machine.start());
        machine.advance(1s);
        EXPECT_TRUE(machine.create_topic("orders"));
        EXPECT_FALSE(machine.image().find_broker(NodeId(1))->fenced);
    }
}

TEST(Life, NoOpRecordsComeAtTheirInterval) {
    runtime::MemoryDisk disk;
    Machine machine(disk);
    ASSERT_TRUE(machine.start());
    machine.advance(1s);
    const Offset end = machine.metadata_end();
    machine.advance(10s);
    EXPECT_EQ(machine.metadata_end(), end + 20);
}

TEST(Life, ABrokerThatIsNotHeardOfIsFencedThisOneIsNot) {
    runtime::MemoryDisk disk;
    Machine machine(disk);
    ASSERT_TRUE(machine.start());
    ASSERT_NO_FATAL_FAILURE(machine.join(NodeId(2)));
    machine.advance(8s);
    EXPECT_FALSE(machine.image().find_broker(NodeId(2))->fenced);
    machine.advance(4s);
    EXPECT_TRUE(machine.image().find_broker(NodeId(2))->fenced);
    EXPECT_FALSE(machine.image().find_broker(NodeId(1))->fenced);
}

TEST(Life, ABrokerThatCannotBeFencedHoldsNothingUp) {
    runtime::MemoryDisk disk;
    Machine machine(disk);
    ASSERT_TRUE(machine.start());
    ASSERT_NO_FATAL_FAILURE(machine.join(NodeId(2)));
    disk.fail_write = true;
    machine.advance(20s);
    EXPECT_NE(machine.failure, "");
    EXPECT_FALSE(machine.stop());
}

TEST(Life, WhenTheMetadataLogFailsWhoWaitsForAChangeIsToldAtOnce) {
    runtime::MemoryDisk disk;
    Machine machine(disk);
    ASSERT_TRUE(machine.start());
    disk.fail_sync = true;
    const auto waiting = machine.create_topic("first");
    EXPECT_NE(machine.failure, "");
    ASSERT_TRUE(waiting);
    EXPECT_EQ(waiting->error().code, Errc::closed);
    const auto later = machine.create_topic("second");
    ASSERT_TRUE(later);
    EXPECT_EQ(later->error().code, Errc::closed);
    machine.advance(60s);
    EXPECT_FALSE(machine.stop());
    EXPECT_FALSE(disk.has(clean_marker));
}

TEST(Life, WhenTheMetadataLogCannotBeAppendedToWhoAsksIsToldAtOnce) {
    runtime::MemoryDisk disk;
    Machine machine(disk);
    ASSERT_TRUE(machine.start());
    disk.fail_write = true;
    const auto waiting = machine.create_topic("first");
    ASSERT_TRUE(waiting);
    EXPECT_EQ(waiting->error().code, Errc::closed);
    EXPECT_NE(machine.failure, "");
    machine.advance(60s);
    EXPECT_FALSE(machine.stop());
}

}  // namespace
}  // namespace moldau::node
