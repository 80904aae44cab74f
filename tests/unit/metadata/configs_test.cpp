#include <algorithm>

#include <gtest/gtest.h>

#include <moldau/metadata/configs.h>
#include <moldau/metadata/image_builder.h>

namespace moldau::metadata {
namespace {

std::string refusal(std::span<const ConfigDef> table, std::string_view key, std::string_view value) {
    const ConfigDef* def = find_config(table, key);
    if (def == nullptr) return "unknown";
    const auto result = check_value(*def, value);
    return result ? "" : result.error().message;
}

TEST(ConfigTables, are_in_order_of_name_and_their_defaults_are_valid) {
    for (const auto table : {broker_configs(), topic_configs(), group_configs(), client_metrics_configs()}) {
        EXPECT_TRUE(std::ranges::is_sorted(table, std::ranges::less_equal{}, &ConfigDef::name));
        for (const ConfigDef& def : table) {
            EXPECT_FALSE(def.help.empty()) << def.name;
            if (def.default_value != nullptr && def.name != "group.share.persister.class.name") {
                const auto checked = check_value(def, def.default_value);
                EXPECT_TRUE(checked.has_value()) << checked.error().message;
            }
        }
    }
}

TEST(ConfigTables, every_key_of_a_topic_or_group_leads_to_a_broker_key_that_is_there) {
    for (const ConfigDef& def : topic_configs()) {
        const auto key = broker_key_of_topic_key(def.name);
        EXPECT_TRUE(key.empty() || find_config(broker_configs(), key) != nullptr) << def.name;
    }
    EXPECT_EQ(broker_key_of_topic_key("retention.ms"), "log.retention.ms");
    EXPECT_EQ(broker_key_of_group_key("consumer.session.timeout.ms"), "group.consumer.session.timeout.ms");
}

TEST(ConfigValues, that_are_not_valid_are_refused) {
    EXPECT_EQ(refusal(topic_configs(), "retention.ms", "soon"),
              "Invalid value soon for configuration retention.ms: Not a number of type LONG");
    EXPECT_EQ(refusal(topic_configs(), "retention.ms", "-2"),
              "Invalid value -2 for configuration retention.ms: Value must be at least -1");
    EXPECT_EQ(refusal(topic_configs(), "segment.bytes", "10"),
              "Invalid value 10 for configuration segment.bytes: Value must be at least 1048576");
    EXPECT_EQ(refusal(topic_configs(), "cleanup.policy", "burn"),
              "Invalid value burn for configuration cleanup.policy: String must be one of: compact, delete");
    EXPECT_EQ(
        refusal(topic_configs(), "compression.type", "brotli"),
        "Invalid value brotli for configuration compression.type: String must be one of: uncompressed, zstd, lz4, "
        "snappy, gzip, producer");
    EXPECT_EQ(refusal(topic_configs(), "retention.ms", ""),
              "Invalid value  for configuration retention.ms: Not a number of type LONG");
    EXPECT_EQ(refusal(broker_configs(), "num.io.threads", "0"),
              "Invalid value 0 for configuration num.io.threads: Value must be at least 1");
    EXPECT_EQ(refusal(broker_configs(), "num.io.threads", "3000000000"),
              "Invalid value 3000000000 for configuration num.io.threads: Value must be between 1 and 2147483647");
    EXPECT_EQ(refusal(broker_configs(), "num.io.threads", "-3000000000"),
              "Invalid value -3000000000 for configuration num.io.threads: Value must be at least 1");
    EXPECT_EQ(refusal(topic_configs(), "retention.ms", "9223372036854775808"),
              "Invalid value 9223372036854775808 for configuration retention.ms: Value must be between -1 and "
              "9223372036854775807");
    EXPECT_EQ(refusal(topic_configs(), "compression.gzip.level", "3000000000"),
              "Invalid value 3000000000 for configuration compression.gzip.level: Value must be between 1 and 9 or "
              "equal to -1");
    EXPECT_EQ(refusal(topic_configs(), "preallocate", "perhaps"),
              "Invalid value perhaps for configuration preallocate: Expected value to be either true or false");
    EXPECT_NE(refusal(topic_configs(), "moldau.durability", "tape"), "");
}

TEST(ConfigValues, of_ages_are_bounded_as_in_kafka) {
    for (const char* value : {"0", "-1"}) EXPECT_NE(refusal(broker_configs(), "log.roll.ms", value), "") << value;
    EXPECT_EQ(refusal(broker_configs(), "log.roll.ms", "1"), "");
    EXPECT_NE(refusal(broker_configs(), "log.roll.jitter.ms", "-1"), "");
    EXPECT_EQ(refusal(broker_configs(), "log.roll.jitter.ms", "0"), "");
    EXPECT_EQ(refusal(broker_configs(), "log.retention.ms", "0"),
              "Invalid value 0 for configuration log.retention.ms: Value must be at least 1, or -1 for no limit");
    for (const char* value : {"1", "-1", "-5"})
        EXPECT_EQ(refusal(broker_configs(), "log.retention.ms", value), "") << value;
    EXPECT_EQ(refusal(topic_configs(), "retention.ms", "0"), "");  // only a broker's is bounded so
}

TEST(ConfigValues, of_reals_are_spelled_as_in_java) {
    const auto taken = [](std::string_view value) {
        return refusal(broker_configs(), "log.cleaner.io.max.bytes.per.second", value).empty();
    };
    for (const char* value :
         {"nan", "inf", "infinity", "Inf", "0x1", "1e", "0.5dd", "+-0.5", "0,5", "", ".", "d", "0x1p", "- 1", "1 2"})
        EXPECT_FALSE(taken(value)) << value;
    for (const char* value : {"NaN", "+NaN", "-NaN", "Infinity", "-Infinity", "1e999", "1e-999", "0.5d", "0.5F", ".5",
                              "1.", "0x1p-1", "0X.8P1f", "+0.5", " 0.5 ", "-1"})
        EXPECT_TRUE(taken(value)) << value;
    EXPECT_EQ(parse_real("0x1p-1"), 0.5);
    EXPECT_EQ(parse_real("-0.5f"), -0.5);
    EXPECT_EQ(parse_real("1e999"), std::numeric_limits<double>::infinity());

    EXPECT_EQ(refusal(topic_configs(), "min.cleanable.dirty.ratio", "nan"),
              "Invalid value nan for configuration min.cleanable.dirty.ratio: Not a number of type DOUBLE");
    for (const char* value : {"Infinity", "-Infinity", "1e999", "1.1"})
        EXPECT_NE(refusal(topic_configs(), "min.cleanable.dirty.ratio", value), "") << value;
    EXPECT_EQ(refusal(topic_configs(), "min.cleanable.dirty.ratio", "NaN"), "");  // within no bounds, nor outside
}

TEST(ConfigValues, of_whole_numbers_have_one_sign) {
    EXPECT_EQ(refusal(topic_configs(), "retention.ms", "+5"), "");
    EXPECT_NE(refusal(topic_configs(), "retention.ms", "+-1"), "");
}

TEST(ConfigValues, of_lists_may_say_a_thing_twice) {
    EXPECT_EQ(refusal(topic_configs(), "cleanup.policy", "compact,compact"), "");
    EXPECT_EQ(refusal(broker_configs(), "log.cleanup.policy", "compact, delete,compact"), "");
    EXPECT_EQ(parse_list("b, a,b ,a,c"), (std::vector<std::string>{"b", "a", "c"}));
    EXPECT_NE(refusal(topic_configs(), "cleanup.policy", "compact,,"), "");
    EXPECT_EQ(refusal(topic_configs(), "leader.replication.throttled.replicas", "0:1,0:1"), "");
    EXPECT_NE(refusal(topic_configs(), "leader.replication.throttled.replicas", "*,*"), "");
}

TEST(ConfigValues, within_bounds_are_accepted) {
    EXPECT_EQ(refusal(topic_configs(), "cleanup.policy", "compact, delete"), "");
    EXPECT_EQ(refusal(topic_configs(), "cleanup.policy", ""), "");
    EXPECT_EQ(refusal(topic_configs(), "compression.gzip.level", "-1"), "");
    EXPECT_NE(refusal(topic_configs(), "compression.gzip.level", "0"), "");
    EXPECT_EQ(refusal(topic_configs(), "min.cleanable.dirty.ratio", "0.3"), "");
    EXPECT_NE(refusal(topic_configs(), "min.cleanable.dirty.ratio", "1.5"), "");
    EXPECT_EQ(refusal(topic_configs(), "leader.replication.throttled.replicas", "0:1,1:2"), "");
    EXPECT_NE(refusal(topic_configs(), "leader.replication.throttled.replicas", "0"), "");
    EXPECT_EQ(refusal(group_configs(), "share.auto.offset.reset", "by_duration:PT1H"), "");
}

TEST(ConfigTables, the_nearest_key_is_told) {
    EXPECT_EQ(nearest_config(broker_configs(), "log.dir.s"), "log.dirs");
    EXPECT_EQ(nearest_config(broker_configs(), "log.retention.hour"), "log.retention.hours");
    EXPECT_EQ(nearest_config(broker_configs(), "completely.different.thing.entirely"), std::nullopt);
}

TEST(ConfigTables, keys_of_a_listener_are_known) {
    EXPECT_EQ(find_broker_config("listener.name.external.ssl.keystore.location")->name, "ssl.keystore.location");
    EXPECT_EQ(find_broker_config("listener.name.external.plain.sasl.jaas.config")->name, "sasl.jaas.config");
    EXPECT_EQ(find_broker_config("listener.name.external.nonsense"), nullptr);
}

TEST(Properties, follow_javas_format) {
    const auto parsed = parse_properties(
        "# comment\n"
        "! another\n"
        "a=1\n"
        "b : 2\r\n"
        "c 3\n"
        "  d=four \\\n"
        "     five\n"
        "e\\=f=g\\th\\u00e9\n"
        "path=C\\:\\\\x\n"
        "empty\n"
        "a=last");
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(*parsed, (Properties{{"a", "last"},
                                   {"b", "2"},
                                   {"c", "3"},
                                   {"d", "four five"},
                                   {"e=f", "g\thé"},
                                   {"path", "C:\\x"},
                                   {"empty", ""}}));
}

TEST(Properties, a_broken_escape_names_its_line) {
    const auto parsed = parse_properties("a=1\nb=\\u12\n");
    ASSERT_FALSE(parsed.has_value());
    EXPECT_NE(parsed.error().message.find("line 2"), std::string::npos);
}

TEST(Properties, a_review_tells_errors_unknown_and_ignored_keys) {
    const auto review = review_properties({{"log.retention.hour", "1"},
                                           {"num.partitions", "x"},
                                           {"num.io.threads", "8"},
                                           {"node.id", "1"},
                                           {"queued.max.request.bytes", "-1"}});
    ASSERT_EQ(review.warnings.size(), 1U);
    EXPECT_NE(review.warnings[0].find("log.retention.hours"), std::string::npos);
    EXPECT_EQ(review.errors.size(), 1U);
    EXPECT_EQ(review.ignored, std::vector<std::string>{"num.io.threads"});
    EXPECT_EQ(review.later, std::vector<std::string>{"queued.max.request.bytes"});
}

TEST(Properties, are_also_checked_together_as_in_kafka) {
    const auto errors = [](const Properties& file) { return review_properties(file).errors.size(); };
    EXPECT_EQ(errors({{"log.retention.hours", "0"}}), 1U);
    EXPECT_EQ(errors({{"log.retention.minutes", "0"}, {"log.retention.hours", "1"}}), 1U);
    EXPECT_EQ(errors({{"log.retention.hours", "0"}, {"log.retention.ms", "5"}}), 0U);
    EXPECT_EQ(errors({{"log.retention.hours", "-7"}}), 0U);
    EXPECT_EQ(errors({{"connections.max.idle.ms", "0"}}), 1U);
    EXPECT_EQ(errors({{"connections.max.idle.ms", "101"}}), 0U);
    EXPECT_EQ(errors({{"connections.max.idle.ms", "-1"}}), 0U);
    EXPECT_EQ(errors({{"max.connections.per.ip", "0"}}), 1U);
    EXPECT_EQ(errors({{"max.connections.per.ip", "0"}, {"max.connections.per.ip.overrides", "localhost:9"}}), 0U);
    EXPECT_EQ(errors({{"max.connections.per.ip.overrides", "localhost"}}), 1U);
    EXPECT_EQ(errors({{"node.id", "1"}, {"broker.id", "2"}}), 1U);
    EXPECT_EQ(errors({{"broker.id", "2"}}), 0U);
    EXPECT_EQ(errors({{"queued.max.request.bytes", "1000"}}), 1U);
    EXPECT_EQ(errors({{"queued.max.request.bytes", "1000"}, {"socket.request.max.bytes", "1000"}}), 0U);
    EXPECT_EQ(errors({{"replica.fetch.wait.max.ms", "30000"}}), 0U);
    EXPECT_EQ(errors({{"replica.fetch.wait.max.ms", "30001"}}), 2U);
    EXPECT_EQ(errors({{"log.cleaner.threads", "0"}}), 1U);
    EXPECT_EQ(errors({{"log.cleaner.dedupe.buffer.size", "1048576"}}), 1U);
    EXPECT_EQ(errors({{"log.cleaner.dedupe.buffer.size", "2097154"}, {"log.cleaner.threads", "2"}}), 0U);
    EXPECT_EQ(errors({{"log.cleaner.min.compaction.lag.ms", "2"}, {"log.cleaner.max.compaction.lag.ms", "1"}}), 1U);
    EXPECT_EQ(errors({{"log.cleaner.min.compaction.lag.ms", "1"}, {"log.cleaner.max.compaction.lag.ms", "1"}}), 0U);
    EXPECT_EQ(errors({{"log.dirs", "/a,/b"}, {"cordoned.log.dirs", "/b"}}), 0U);
    EXPECT_EQ(errors({{"log.dirs", "/a,/b"}, {"cordoned.log.dirs", "/b,/c"}}), 1U);
    EXPECT_EQ(errors({{"log.dir", "/a"}, {"cordoned.log.dirs", "*"}}), 0U);
    EXPECT_EQ(errors({{"log.dir", "/a"}, {"cordoned.log.dirs", "*,/a"}}), 1U);
    // Only a change of a running broker is judged so.
    EXPECT_EQ(errors({{"log.retention.ms", "5"}, {"log.local.retention.ms", "6"}}), 0U);
    EXPECT_EQ(errors({{"node.id", "1"}, {"broker.id", "1 "}}), 0U);
    EXPECT_EQ(errors({}), 0U);
}

TEST(Properties, of_connection_overrides_are_hosts_and_numbers) {
    const auto parsed = parse_connection_overrides(" 127.0.0.1:5 ,some-host.example : 0,::1:7,127.0.0.1:6,");
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
    EXPECT_EQ(*parsed, (std::map<std::string, std::int32_t>{{"127.0.0.1", 6}, {"::1", 7}, {"some-host.example", 0}}));
    EXPECT_TRUE(parse_connection_overrides("")->empty());
    for (const char* value : {"127.0.0.1", "a:x", "a b:1", "[::1]:1", "a:", "a:1,,b:2", "a:3000000000"})
        EXPECT_FALSE(parse_connection_overrides(value).has_value()) << value;
}

class Configs : public testing::Test {
 protected:
    void set(ResourceType type, std::string resource, std::string key, std::string value) {
        protocol::ConfigRecord record;
        record.resource_type = static_cast<std::int8_t>(type);
        record.resource_name = resource;
        record.name = key;
        record.value = protocol::Text(value);
        ASSERT_TRUE(builder_.replay(record).has_value());
    }
    ConfigView view() const { return {builder_.image(), NodeId(1), file_}; }
    DescribedConfig topic_config(std::string_view name) const {
        const auto all = view().describe_topic("events");
        return *std::ranges::find(all, name, &DescribedConfig::name);
    }
    DescribedConfig broker_config(std::string_view name) const {
        const auto all = view().describe_broker();
        return *std::ranges::find(all, name, &DescribedConfig::name);
    }

    ImageBuilder builder_;
    Properties file_;
};

TEST_F(Configs, without_settings_are_kafkas_defaults) {
    EXPECT_EQ(view().topic("events"), TopicConfig{});
    EXPECT_EQ(view().broker(), BrokerConfig{});
}

TEST_F(Configs, the_nearest_source_wins) {
    file_ = {{"log.retention.hours", "1"}};
    EXPECT_EQ(view().topic("events").retention_ms, 3'600'000);
    set(ResourceType::broker, "", "log.retention.ms", "30");
    EXPECT_EQ(view().topic("events").retention_ms, 30);
    set(ResourceType::broker, "1", "log.retention.ms", "20");
    EXPECT_EQ(view().topic("events").retention_ms, 20);
    set(ResourceType::topic, "events", "retention.ms", "10");
    EXPECT_EQ(view().topic("events").retention_ms, 10);
    EXPECT_EQ(view().topic("other").retention_ms, 20);
}

TEST_F(Configs, that_this_build_cannot_use_leave_the_next_nearest_source_in_force) {
    set(ResourceType::broker, "1", "log.retention.ms", "a fortnight");
    set(ResourceType::broker, "", "log.retention.ms", "20");
    set(ResourceType::broker, "", "message.max.bytes", "-5");
    EXPECT_EQ(view().topic("events").retention_ms, 20);
    EXPECT_EQ(view().topic("events").max_message_bytes, TopicConfig{}.max_message_bytes);
    set(ResourceType::topic, "events", "retention.ms", "");
    set(ResourceType::topic, "events", "internal.segment.bytes", "many");
    EXPECT_EQ(view().topic("events").retention_ms, 20);
    EXPECT_EQ(view().topic("events").segment_bytes, TopicConfig{}.segment_bytes);
    const auto described = view().describe_topic("events");
    const auto retention = *std::ranges::find(described, "retention.ms", &DescribedConfig::name);
    EXPECT_EQ(retention.value, "20");
    EXPECT_EQ(retention.source, ConfigSource::dynamic_default_broker);
    ASSERT_FALSE(retention.synonyms.empty());
    EXPECT_EQ(retention.synonyms.front().value, "20");
    EXPECT_EQ(unusable_configs(builder_.image(), {ResourceType::topic, "events"}).size(), 2U);
    EXPECT_EQ(unusable_configs(builder_.image(), {ResourceType::broker, ""}).size(), 1U);
    EXPECT_TRUE(unusable_configs(builder_.image(), {ResourceType::topic, "other"}).empty());
}

TEST_F(Configs, a_policy_that_is_not_known_does_not_make_another_delete_records) {
    set(ResourceType::topic, "events", "cleanup.policy", "archive");
    EXPECT_FALSE(view().topic("events").cleanup_delete);
    EXPECT_FALSE(view().topic("events").cleanup_compact);
    set(ResourceType::topic, "events", "cleanup.policy", "compact,archive");
    EXPECT_FALSE(view().topic("events").cleanup_delete);
    EXPECT_TRUE(view().topic("events").cleanup_compact);
    EXPECT_EQ(unusable_configs(builder_.image(), {ResourceType::topic, "events"}).size(), 1U);
}

TEST_F(Configs, of_groups_name_a_default_as_their_source_where_the_broker_has_no_such_key) {
    const auto all = view().describe_group("workers");
    const DescribedConfig reset = *std::ranges::find(all, "share.auto.offset.reset", &DescribedConfig::name);
    ASSERT_EQ(reset.synonyms.size(), 1U);
    EXPECT_EQ(reset.synonyms[0].value, "latest");
    EXPECT_EQ(reset.synonyms[0].source, ConfigSource::default_value);
}

TEST_F(Configs, described_with_all_their_sources) {
    set(ResourceType::broker, "", "log.retention.ms", "70000000");
    set(ResourceType::broker, "1", "log.retention.ms", "90000000");
    set(ResourceType::topic, "events", "retention.ms", "3000");
    const DescribedConfig retention = topic_config("retention.ms");
    EXPECT_EQ(retention.value, "3000");
    EXPECT_EQ(retention.source, ConfigSource::topic);
    ASSERT_EQ(retention.synonyms.size(), 4U);
    EXPECT_EQ(retention.synonyms[1].source, ConfigSource::dynamic_broker);
    EXPECT_EQ(retention.synonyms[2].source, ConfigSource::dynamic_default_broker);
    EXPECT_EQ(retention.synonyms[3].name, "log.retention.hours");
}

TEST_F(Configs, a_key_without_value_of_its_own_has_no_synonyms) {
    const DescribedConfig jitter = topic_config("segment.jitter.ms");
    EXPECT_EQ(jitter.value, "0");
    EXPECT_EQ(jitter.source, ConfigSource::default_value);
    EXPECT_TRUE(jitter.synonyms.empty());
    EXPECT_EQ(broker_config("log.retention.ms").value, std::nullopt);
}

TEST_F(Configs, secrets_and_unknown_keys_are_not_shown) {
    file_ = {{"ssl.key.password", "hush"}};
    set(ResourceType::broker, "1", "no.such.key", "1");
    EXPECT_EQ(broker_config("ssl.key.password").value, std::nullopt);
    EXPECT_EQ(broker_config("ssl.key.password").source, ConfigSource::static_broker);
    EXPECT_EQ(broker_config("no.such.key").value, std::nullopt);
    EXPECT_TRUE(broker_config("no.such.key").sensitive);
}

TEST_F(Configs, node_id_and_broker_id_stand_for_each_other) {
    file_ = {{"node.id", "7"}};
    normalise(file_);
    EXPECT_EQ(file_.at("broker.id"), "7");
}

TEST_F(Configs, durability_is_disk_unless_told_otherwise) {
    EXPECT_EQ(view().topic("events").durability, Durability::disk);
    set(ResourceType::topic, "events", "moldau.durability", "page-cache");
    EXPECT_EQ(view().topic("events").durability, Durability::page_cache);
}

TEST_F(Configs, are_read_without_the_blanks_that_their_check_lets_pass) {
    file_ = {{"moldau.durability", "disk "},          {"log.message.timestamp.type", " LogAppendTime\t"},
             {"compression.type", "zstd "},           {"log.cleanup.policy", "compact , delete "},
             {"auto.create.topics.enable", "false "}, {"num.partitions", " 3 "}};
    ASSERT_TRUE(review_properties(file_).errors.empty());
    const TopicConfig events = view().topic("events");
    EXPECT_EQ(events.durability, Durability::disk);
    EXPECT_EQ(events.timestamp_type, TimestampType::log_append_time);
    EXPECT_EQ(events.compression_type, "zstd");
    EXPECT_TRUE(events.cleanup_compact);
    EXPECT_FALSE(view().broker().auto_create_topics);
    EXPECT_EQ(view().broker().num_partitions, 3);

    set(ResourceType::topic, "events", "moldau.durability", " page-cache ");
    EXPECT_EQ(view().topic("events").durability, Durability::page_cache);
    EXPECT_EQ(topic_config("moldau.durability").value, "page-cache");
}

TEST_F(Configs, of_lists_are_told_without_blanks_and_doubles) {
    file_ = {{"log.cleanup.policy", "compact,compact"}};
    EXPECT_EQ(topic_config("cleanup.policy").value, "compact");
    EXPECT_EQ(broker_config("log.cleanup.policy").value, "compact");
    set(ResourceType::topic, "events", "cleanup.policy", "delete , compact,delete");
    EXPECT_EQ(topic_config("cleanup.policy").value, "delete,compact");
    EXPECT_EQ(topic_config("cleanup.policy").synonyms.front().value, "delete,compact");
    EXPECT_EQ(topic_config("cleanup.policy").synonyms[1].value, "compact,compact");  // as it stands in the file
    EXPECT_TRUE(view().topic("events").cleanup_compact);
}

TEST_F(Configs, a_durability_that_is_not_understood_is_the_safe_one) {
    set(ResourceType::topic, "events", "moldau.durability", "tape");  // of a version to come
    EXPECT_EQ(view().topic("events").durability, Durability::disk);
}

TEST_F(Configs, of_a_file_are_normalised_before_anybody_reads_them_as_they_stand) {
    file_ = {{"broker.rack", "a "}, {"node.id", " 7 "}, {"authorizer.class.name", " "}};
    normalise(file_);
    EXPECT_EQ(file_,
              (Properties{{"broker.rack", "a"}, {"node.id", "7"}, {"broker.id", "7"}, {"authorizer.class.name", ""}}));
}

}  // namespace
}  // namespace moldau::metadata
