#include <moldau/metadata/image_writer.h>
#include <moldau/protocol/writer.h>

#include "cluster.h"

namespace moldau::controller {
namespace {

using namespace protocol;

void expect_sound(const metadata::Image& image) {
    ASSERT_EQ(image.topics_by_name.size(), image.topics_by_id.size());
    for (const auto& [name, topic] : image.topics_by_name) {
        ASSERT_EQ(image.find_topic(topic->id), topic);
        ASSERT_FALSE(topic->partitions.empty());
        std::int32_t next = 0;
        for (const auto& [index, partition] : topic->partitions) {
            ASSERT_EQ(index.value(), next++);
            ASSERT_EQ(partition.directories.size(), partition.replicas.size());
            ASSERT_FALSE(partition.isr.empty());
            for (const NodeId node : partition.isr) ASSERT_EQ(std::ranges::count(partition.replicas, node), 1);
            if (partition.leader == no_node) continue;
            ASSERT_EQ(std::ranges::count(partition.isr, partition.leader), 1);
            const auto* leader = image.find_broker(partition.leader);
            ASSERT_NE(leader, nullptr);
            ASSERT_TRUE(leader->active());
        }
    }
    for (const auto& [resource, settings] : image.configs) ASSERT_FALSE(settings.empty());
}

class RandomWalk {
 public:
    explicit RandomWalk(std::uint64_t seed) : random_(seed), cluster_({}, seed) {}

    void step() {
        cluster_.now_ms += static_cast<std::int64_t>(random_() % 3'000);
        switch (random_() % 8) {
            case 0:
                return create();
            case 1:
                return remove();
            case 2:
                return grow();
            case 3:
                return alter();
            case 4:
                return register_broker();
            case 5:
            case 6:
                return heartbeat();
            default:
                return cluster_.append(cluster_.controller().fence_one_stale_broker(cluster_.context()));
        }
    }

    Cluster& cluster() { return cluster_; }

 private:
    std::string some_topic() { return fmt::format("topic{}{}", random_() % 2 == 0 ? "." : "_", random_() % 10); }
    std::int32_t some_broker() { return 1 + static_cast<std::int32_t>(random_() % 4); }

    void create() {
        cluster_.create_topic(some_topic(), 1 + static_cast<std::int32_t>(random_() % 5),
                              static_cast<std::int16_t>(1 + random_() % 3));
    }
    void remove() {
        DeleteTopicsRequest request;
        request.topic_names.push_back(Text(some_topic()));
        cluster_.send(request);
    }
    void grow() {
        CreatePartitionsRequest request;
        auto& topic = request.topics.emplace_back();
        topic.name = some_topic();
        topic.count = static_cast<std::int32_t>(random_() % 10);
        topic.assignments.reset();
        cluster_.send(request);
    }
    void alter() {
        IncrementalAlterConfigsRequest request;
        auto& resource = request.resources.emplace_back();
        resource.resource_type = static_cast<std::int8_t>(metadata::ResourceType::topic);
        resource.resource_name = some_topic();
        auto& config = resource.configs.emplace_back();
        config.name = random_() % 2 == 0 ? Text("retention.ms") : Text("cleanup.policy");
        config.config_operation = static_cast<std::int8_t>(random_() % 4);
        config.value = random_() % 2 == 0 ? Text("1000") : Text("compact");
        cluster_.send(request);
    }
    void register_broker() { cluster_.send(cluster_.registration(some_broker(), random_() % 3)); }
    void heartbeat() {
        const std::int32_t id = some_broker();
        if (cluster_.image().find_broker(NodeId(id)) == nullptr) return;
        auto request = cluster_.heartbeat_of(id);
        request.want_shut_down = random_() % 8 == 0;
        request.want_fence = random_() % 16 == 0;
        cluster_.send(request);
    }

    std::mt19937_64 random_;
    Cluster cluster_;
};

class RandomOperations : public testing::TestWithParam<std::uint64_t> {};

TEST_P(RandomOperations, keep_the_image_sound_and_its_snapshot_equal) {
    RandomWalk walk(GetParam());
    for (int i = 0; i < 400; ++i) {
        walk.step();
        ASSERT_NO_FATAL_FAILURE(expect_sound(walk.cluster().image())) << "step " << i;
    }
    const metadata::Image& image = walk.cluster().image();
    metadata::ImageBuilder from_log;
    for (const VersionedRecord& record : walk.cluster().log) {
        Writer writer;
        encode_metadata_record(record.record, record.version, writer);
        ASSERT_TRUE(from_log.replay_frame(writer.view(), {}).has_value());
    }
    EXPECT_TRUE(metadata::same_content(from_log.image(), image));
    metadata::ImageBuilder from_snapshot;
    for (const VersionedRecord& record : metadata::write_image(image)) {
        Writer writer;
        encode_metadata_record(record.record, record.version, writer);
        ASSERT_TRUE(from_snapshot.replay_frame(writer.view(), {}).has_value());
    }
    EXPECT_TRUE(metadata::same_content(from_snapshot.image(), image));
    EXPECT_GT(walk.cluster().log.size(), 100U);
}

TEST_P(RandomOperations, of_one_seed_give_one_log) {
    RandomWalk first(GetParam());
    RandomWalk second(GetParam());
    for (int i = 0; i < 200; ++i) {
        first.step();
        second.step();
    }
    EXPECT_TRUE(first.cluster().log == second.cluster().log);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomOperations, testing::Range<std::uint64_t>(1, 21));

}  // namespace
}  // namespace moldau::controller
