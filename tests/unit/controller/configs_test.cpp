#include "cluster.h"

namespace moldau::controller {
namespace {

using namespace protocol;
using metadata::ResourceType;

class AlteredConfigs : public testing::Test {
 protected:
    void SetUp() override {
        cluster.start_broker(1);
        cluster.create_topic("events");
    }

    IncrementalAlterConfigsRequest request(ResourceType type, std::string name, std::string key, int operation,
                                           std::optional<std::string> value) {
        IncrementalAlterConfigsRequest result;
        auto& resource = result.resources.emplace_back();
        resource.resource_type = static_cast<std::int8_t>(type);
        resource.resource_name = name;
        add(result, key, operation, std::move(value));
        return result;
    }
    void add(IncrementalAlterConfigsRequest& to, std::string key, int operation, std::optional<std::string> value) {
        auto& config = to.resources.front().configs.emplace_back();
        config.name = key;
        config.config_operation = static_cast<std::int8_t>(operation);
        config.value.reset();
        if (value) config.value = Text(*value);
    }
    void expect(const IncrementalAlterConfigsRequest& sent, ErrorCode code, std::optional<std::string> message = {}) {
        const auto response = cluster.send(sent);
        ASSERT_EQ(response.responses.size(), 1U);
        EXPECT_EQ(response.responses[0].error_code, code);
        EXPECT_EQ(response.responses[0].error_message.has_value(), message.has_value());
        if (message) EXPECT_EQ(*response.responses[0].error_message, *message);
        if (code != ErrorCode::none) EXPECT_TRUE(cluster.last_records.empty());
    }
    std::string value(ResourceType type, std::string name, std::string_view key) {
        const std::string* found = cluster.image().find_config({type, std::move(name)}, key);
        return found == nullptr ? "(not set)" : *found;
    }

    static constexpr int set = 0, remove = 1, append = 2, subtract = 3;
    Cluster cluster;
};

TEST_F(AlteredConfigs, write_one_record_a_change_and_none_without_a_change) {
    expect(request(ResourceType::topic, "events", "retention.ms", set, "1000"), ErrorCode::none);
    EXPECT_EQ(cluster.last_records.size(), 1U);
    expect(request(ResourceType::topic, "events", "retention.ms", set, "1000"), ErrorCode::none);
    EXPECT_TRUE(cluster.last_records.empty());
    expect(request(ResourceType::topic, "events", "retention.ms", remove, std::nullopt), ErrorCode::none);
    EXPECT_FALSE(cluster.record<ConfigRecord>(0).value.has_value());
    expect(request(ResourceType::topic, "events", "retention.bytes", remove, std::nullopt), ErrorCode::none);
    EXPECT_TRUE(cluster.last_records.empty());
}

TEST_F(AlteredConfigs, add_to_lists_and_take_from_them) {
    expect(request(ResourceType::topic, "events", "cleanup.policy", append, "compact"), ErrorCode::none);
    EXPECT_EQ(value(ResourceType::topic, "events", "cleanup.policy"), "delete,compact");
    expect(request(ResourceType::topic, "events", "cleanup.policy", subtract, "delete"), ErrorCode::none);
    EXPECT_EQ(value(ResourceType::topic, "events", "cleanup.policy"), "compact");
    expect(request(ResourceType::topic, "events", "retention.ms", append, "5"), ErrorCode::invalid_config,
           "Can't APPEND to key retention.ms because its type is not LIST.");
}

TEST_F(AlteredConfigs, change_a_list_from_its_default_whatever_is_in_force) {
    expect(request(ResourceType::broker, "", "log.cleanup.policy", set, "compact"), ErrorCode::none);
    expect(request(ResourceType::topic, "events", "cleanup.policy", append, "compact"), ErrorCode::none);
    EXPECT_EQ(value(ResourceType::topic, "events", "cleanup.policy"), "delete,compact");
    expect(request(ResourceType::topic, "events", "cleanup.policy", remove, std::nullopt), ErrorCode::none);
    expect(request(ResourceType::topic, "events", "cleanup.policy", subtract, "delete"), ErrorCode::none);
    EXPECT_EQ(value(ResourceType::topic, "events", "cleanup.policy"), "");
    expect(request(ResourceType::broker, "100", "log.cleanup.policy", append, "compact"), ErrorCode::none);
    EXPECT_EQ(value(ResourceType::broker, "100", "log.cleanup.policy"), "delete,compact");
}

TEST_F(AlteredConfigs, change_lists_as_they_stand) {
    expect(request(ResourceType::topic, "events", "cleanup.policy", set, "compact,compact"), ErrorCode::none);
    EXPECT_EQ(value(ResourceType::topic, "events", "cleanup.policy"), "compact,compact");
    expect(request(ResourceType::topic, "events", "cleanup.policy", subtract, "compact"), ErrorCode::none);
    EXPECT_EQ(value(ResourceType::topic, "events", "cleanup.policy"), "compact");
    expect(request(ResourceType::topic, "events", "cleanup.policy", append, " delete "), ErrorCode::none);
    EXPECT_EQ(value(ResourceType::topic, "events", "cleanup.policy"), "compact, delete ");
    expect(request(ResourceType::topic, "events", "cleanup.policy", append, ",,"), ErrorCode::none);
    EXPECT_EQ(value(ResourceType::topic, "events", "cleanup.policy"), "compact, delete ");
    EXPECT_EQ(
        cluster.send(request(ResourceType::topic, "events", "cleanup.policy", append, "")).responses[0].error_code,
        ErrorCode::invalid_config);
}

TEST_F(AlteredConfigs, of_topics_are_checked_together_with_those_in_force) {
    const auto alter = [&](std::string key, std::optional<std::string> to) {
        const int operation = to ? set : remove;
        const auto sent = request(ResourceType::topic, "events", std::move(key), operation, std::move(to));
        return cluster.send(sent).responses[0].error_code;
    };
    EXPECT_EQ(alter("max.compaction.lag.ms", "1000"), ErrorCode::none);
    EXPECT_EQ(alter("min.compaction.lag.ms", "1001"), ErrorCode::invalid_config);
    EXPECT_EQ(alter("min.compaction.lag.ms", "1000"), ErrorCode::none);
    EXPECT_EQ(alter("max.compaction.lag.ms", "999"), ErrorCode::invalid_config);
    EXPECT_EQ(alter("max.compaction.lag.ms", std::nullopt), ErrorCode::none);

    // A broker's are not judged when they change, a topic's are judged under them.
    expect(request(ResourceType::broker, "", "log.cleaner.max.compaction.lag.ms", set, "500"), ErrorCode::none);
    expect(request(ResourceType::broker, "", "log.cleaner.min.compaction.lag.ms", set, "600"), ErrorCode::none);
    EXPECT_EQ(alter("retention.ms", "5"), ErrorCode::invalid_config);
    EXPECT_EQ(alter("min.compaction.lag.ms", "400"), ErrorCode::none);
    EXPECT_EQ(alter("min.compaction.lag.ms", std::nullopt), ErrorCode::invalid_config);
    EXPECT_EQ(alter("max.compaction.lag.ms", "600"), ErrorCode::none);
    EXPECT_EQ(alter("min.compaction.lag.ms", std::nullopt), ErrorCode::none);
    cluster.create_topic("without-settings");
}

TEST_F(AlteredConfigs, of_topics_promise_no_remote_storage) {
    for (const char* on : {"true", "TRUE"})
        EXPECT_EQ(cluster.send(request(ResourceType::topic, "events", "remote.storage.enable", set, on))
                      .responses[0]
                      .error_code,
                  ErrorCode::invalid_config);
    expect(request(ResourceType::topic, "events", "remote.storage.enable", set, "false"), ErrorCode::none);
}

TEST_F(AlteredConfigs, of_a_topic_that_came_with_remote_storage_end_it_with_what_it_holds) {
    ConfigRecord record;  // of a broker that has remote storage
    record.resource_type = static_cast<std::int8_t>(ResourceType::topic);
    record.resource_name = "events";
    record.name = "remote.storage.enable";
    record.value = Text("true");
    cluster.append({{record, 0}});
    auto end = request(ResourceType::topic, "events", "remote.storage.enable", set, "false");
    EXPECT_EQ(cluster.send(end).responses[0].error_code, ErrorCode::invalid_config);
    EXPECT_EQ(cluster.send(request(ResourceType::topic, "events", "retention.ms", set, "5")).responses[0].error_code,
              ErrorCode::invalid_config);
    add(end, "remote.log.delete.on.disable", set, "true");
    expect(end, ErrorCode::none);
}

TEST_F(AlteredConfigs, of_brokers_are_checked_together_with_those_in_force) {
    const auto alter = [&](std::string name, std::string key, std::optional<std::string> to) {
        const int operation = to ? set : remove;
        const auto sent = request(ResourceType::broker, std::move(name), std::move(key), operation, std::move(to));
        return cluster.send(sent).responses[0].error_code;
    };
    EXPECT_EQ(alter("", "log.local.retention.ms", "604800001"), ErrorCode::invalid_request);
    EXPECT_EQ(alter("", "log.local.retention.ms", "-1"), ErrorCode::invalid_request);
    EXPECT_EQ(alter("", "log.local.retention.ms", "604800000"), ErrorCode::none);
    EXPECT_EQ(alter("100", "log.retention.ms", "5"), ErrorCode::invalid_request);
    EXPECT_EQ(alter("100", "log.local.retention.ms", "5"), ErrorCode::none);
    EXPECT_EQ(alter("100", "log.retention.ms", "5"), ErrorCode::none);
    EXPECT_EQ(alter("100", "log.local.retention.ms", std::nullopt), ErrorCode::invalid_request);
    EXPECT_EQ(alter("100", "log.local.retention.bytes", "1000"), ErrorCode::none);
    EXPECT_EQ(alter("100", "log.retention.bytes", "999"), ErrorCode::invalid_request);
    EXPECT_EQ(alter("100", "cordoned.log.dirs", "/nowhere"), ErrorCode::invalid_request);
    EXPECT_EQ(alter("100", "cordoned.log.dirs", "*"), ErrorCode::none);
    EXPECT_EQ(alter("", "log.cleaner.dedupe.buffer.size", "1048576"), ErrorCode::invalid_request);
    EXPECT_EQ(alter("", "log.cleaner.threads", "0"), ErrorCode::invalid_request);
    EXPECT_EQ(alter("", "max.connections.per.ip", "0"), ErrorCode::invalid_request);
}

TEST_F(AlteredConfigs, of_topics_are_checked) {
    expect(request(ResourceType::topic, "events", "no.such.key", set, "1"), ErrorCode::invalid_config,
           "Unknown topic config name: no.such.key");
    expect(request(ResourceType::topic, "events", "retention.mss", set, "1"), ErrorCode::invalid_config,
           "Unknown topic config name: retention.mss; did you mean retention.ms?");
    expect(request(ResourceType::topic, "events", "retention.ms", set, std::nullopt), ErrorCode::invalid_request,
           "Null value not supported for : retention.ms");
    expect(request(ResourceType::topic, "unknown", "retention.ms", set, "1"), ErrorCode::unknown_topic_or_partition,
           "The topic 'unknown' does not exist.");
    auto twice = request(ResourceType::topic, "events", "retention.ms", set, "7");
    add(twice, "retention.ms", remove, std::nullopt);
    expect(twice, ErrorCode::invalid_request, "Error due to duplicate config keys");
    auto unknown_operation = request(ResourceType::topic, "events", "retention.ms", 9, "7");
    EXPECT_EQ(cluster.send(unknown_operation).responses[0].error_code, ErrorCode::invalid_request);
}

TEST_F(AlteredConfigs, of_brokers_are_checked) {
    expect(request(ResourceType::broker, "1", "log.retention.ms", set, "9"), ErrorCode::none);
    expect(request(ResourceType::broker, "", "log.retention.ms", set, "8"), ErrorCode::none);
    EXPECT_EQ(value(ResourceType::broker, "", "log.retention.ms"), "8");
    expect(request(ResourceType::broker, "1", "no.such.key", set, "1"), ErrorCode::none);
    expect(request(ResourceType::broker, "1", "moldau.durable", set, "yes"), ErrorCode::invalid_config,
           "Unknown broker config name: moldau.durable; did you mean moldau.durability?");
    expect(request(ResourceType::broker, "1", "log.dirs", set, "/nowhere"), ErrorCode::invalid_request,
           "Cannot update these configs dynamically: [log.dirs]");
    expect(request(ResourceType::broker, "", "listeners", set, "PLAINTEXT://:1"), ErrorCode::invalid_request,
           "Cannot update these configs at default cluster level, broker id must be specified: [listeners]");
    expect(request(ResourceType::broker, "1", "num.io.threads", set, "many"), ErrorCode::invalid_request,
           "Invalid value many for configuration num.io.threads: Not a number of type INT");
    expect(request(ResourceType::broker, "one", "log.retention.ms", set, "1"), ErrorCode::invalid_request,
           "Node id must be an integer, but it is: one");
}

TEST_F(AlteredConfigs, of_a_broker_are_written_again_so_that_it_reads_its_files_anew) {
    expect(request(ResourceType::broker, "1", "log.retention.ms", set, "9"), ErrorCode::none);
    expect(request(ResourceType::broker, "1", "log.retention.ms", set, "9"), ErrorCode::none);
    EXPECT_EQ(cluster.last_records.size(), 1U);
}

TEST_F(AlteredConfigs, of_groups_and_client_metrics_are_checked) {
    expect(request(ResourceType::group, "group", "consumer.session.timeout.ms", set, "50000"), ErrorCode::none);
    expect(request(ResourceType::group, "group", "consumer.session.timeout.ms", set, "1"), ErrorCode::invalid_config,
           "consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms");
    expect(request(ResourceType::client_metrics, "metrics", "interval.ms", set, "1000"), ErrorCode::none);
    expect(request(ResourceType::client_metrics, "metrics", "interval.ms", set, "1"), ErrorCode::invalid_request,
           "Invalid value 1 for interval.ms, interval must be between 100 and 3600000 (1 hour)");
    expect(request(static_cast<ResourceType>(7), "x", "a", set, "b"), ErrorCode::invalid_request,
           "Unknown resource type 7");
}

TEST_F(AlteredConfigs, validated_only_write_nothing) {
    auto validated = request(ResourceType::topic, "events", "retention.ms", set, "7");
    validated.validate_only = true;
    expect(validated, ErrorCode::none);
    EXPECT_TRUE(cluster.last_records.empty());
}

TEST_F(AlteredConfigs, given_as_a_whole_remove_what_they_do_not_name) {
    expect(request(ResourceType::topic, "events", "cleanup.policy", set, "compact"), ErrorCode::none);
    AlterConfigsRequest whole;
    auto& resource = whole.resources.emplace_back();
    resource.resource_type = static_cast<std::int8_t>(ResourceType::topic);
    resource.resource_name = "events";
    auto& config = resource.configs.emplace_back();
    config.name = "retention.ms";
    config.value = Text("7000");
    EXPECT_EQ(cluster.send(whole).responses.at(0).error_code, ErrorCode::none);
    ASSERT_EQ(cluster.last_records.size(), 2U);
    EXPECT_EQ(*cluster.record<ConfigRecord>(0).value, "7000");
    EXPECT_EQ(cluster.record<ConfigRecord>(1).name, "cleanup.policy");
    EXPECT_FALSE(cluster.record<ConfigRecord>(1).value.has_value());
}

}  // namespace
}  // namespace moldau::controller
