// What commands tell their users, over brokers and a terminal that a test scripts.

#include <gtest/gtest.h>

#include <moldau/protocol/messages/create_partitions.h>
#include <moldau/protocol/messages/create_topics.h>
#include <moldau/protocol/messages/delete_topics.h>
#include <moldau/protocol/messages/describe_cluster.h>
#include <moldau/protocol/messages/describe_configs.h>
#include <moldau/protocol/messages/incremental_alter_configs.h>
#include <moldau/protocol/messages/produce.h>

#include "commands_fixture.h"

namespace moldau::cli {
namespace {

using protocol::ErrorCode;

struct ProduceTest : CommandsTest {
    ProduceTest() {
        using protocol::ProduceRequest;
        cluster.answer<ProduceRequest>([this](const ProduceRequest& request, const Asked&) {
            protocol::ProduceResponse response;
            auto& topic = response.responses.emplace_back();
            topic.name = request.topic_data.front().name;
            for (const auto& partition : request.topic_data.front().partition_data) {
                auto& result = topic.partition_responses.emplace_back();
                result.index = partition.index;
                result.error_code = error;
            }
            return response;
        });
        asked.topic = "one";
    }

    Produce asked;
    ErrorCode error = ErrorCode::none;
};

TEST_F(ProduceTest, SaysNothingWhereAllWasSent) {
    terminal.input = {"a\nb\n", "c"};
    EXPECT_EQ(execute(asked), ExitCode::ok);
    EXPECT_EQ(terminal.error, "");
}

TEST_F(ProduceTest, SaysWhereItStoppedReading) {
    error = ErrorCode::message_too_large;
    terminal.input = {"a\nb\nc", "d\n", "e\n", "f\n"};
    EXPECT_EQ(execute(asked), ExitCode::failed);
    EXPECT_TRUE(told("2 of 2 records were not acknowledged\n")) << terminal.error;
    EXPECT_TRUE(told("was not read to its end: nothing after line 2 was sent\n")) << terminal.error;
}

TEST_F(ProduceTest, SaysAtAnInterruptWhatItStillDoesAndHowToEndIt) {
    error = ErrorCode::not_enough_replicas;
    terminal.input = {"a\nb\nc", FakeTerminal::interrupt};
    world.on_interrupt = [this](std::function<void()> callback) {
        terminal.on_interrupt = [this, callback] {
            callback();
            EXPECT_TRUE(told("interrupted; what was read is still delivered. Ctrl-C again ends at once\n"));
            error = ErrorCode::none;
        };
    };
    EXPECT_EQ(execute(asked), ExitCode::failed);
    EXPECT_TRUE(told("the line that had not ended yet is not sent\n")) << terminal.error;
    EXPECT_TRUE(told("nothing after line 2 was sent\n")) << terminal.error;
    EXPECT_FALSE(told("not acknowledged")) << terminal.error;
}

TEST_F(ProduceTest, SaysWhichPartitionsThereAre) {
    asked.partition = 7;
    EXPECT_EQ(execute(asked), ExitCode::not_found);
    asked.topic = "t";
    EXPECT_EQ(execute(asked), ExitCode::not_found);
    EXPECT_EQ(terminal.error,
              "moldau: topic 'one' has no partition 7; it has one: 0\n"
              "moldau: topic 't' has no partition 7; it has 3: 0 to 2\n");
}

TEST_F(CommandsTest, ConsumeSaysSoonThatItCannotFindWhereToEnd) {
    Consume asked;
    asked.topic = "one";
    asked.exit_at_end = true;
    EXPECT_NE(execute(asked), ExitCode::ok);
    EXPECT_TRUE(told("no progress for 5 s")) << terminal.error;
}

TEST_F(CommandsTest, ATopicThatIsNotMadeHasNoId) {
    using protocol::CreateTopicsRequest;
    cluster.answer<CreateTopicsRequest>([](const CreateTopicsRequest& request, const Asked&) {
        protocol::CreateTopicsResponse response;
        auto& topic = response.topics.emplace_back();
        topic.name = request.topics.front().name;
        topic.topic_id = TopicId{Uuid{1, 2}};
        return response;
    });
    TopicCreate asked;
    asked.names = {"one"};
    EXPECT_EQ(execute(asked, OutputFormat::json), ExitCode::ok);
    EXPECT_TRUE(terminal.output.contains("\"id\"")) << terminal.output;
    terminal.output.clear();
    asked.dry_run = true;
    EXPECT_EQ(execute(asked, OutputFormat::json), ExitCode::ok);
    EXPECT_FALSE(terminal.output.contains("\"id\"")) << terminal.output;
}

TEST_F(CommandsTest, AnUnknownKeysAdviceIsACommandThatWorks) {
    cluster.answer<protocol::DescribeConfigsRequest>(
        [](const protocol::DescribeConfigsRequest&, const Asked&) { return protocol::DescribeConfigsResponse(); });
    const auto advice_for = [this](ConfigEntity entity) {
        terminal.error.clear();
        EXPECT_EQ(execute(ConfigDescribe{std::move(entity), false, {"nothing"}}), ExitCode::not_found);
        return terminal.error;
    };
    using Kind = ConfigEntity::Kind;
    EXPECT_TRUE(advice_for({Kind::topic, "one"}).contains("'moldau config describe --topic one --all'"));
    EXPECT_TRUE(advice_for({Kind::broker, "1"}).contains("'moldau config describe --broker 1 --all'"));
    EXPECT_TRUE(advice_for({Kind::broker, ""}).contains("'moldau config describe --brokers --all'"));
}

class FakeEnvironment final : public Environment {
 public:
    std::optional<std::string> variable(const std::string&) override { return std::nullopt; }
    FakeTerminal& terminal() override { return terminal_; }
    runtime::Random& random() override { return random_; }
    runtime::Clock& clock() override { return clock_; }
    runtime::MemoryDisk& disk() override { return disk_; }
    ExitCode run_online(std::function<runtime::Task<ExitCode>(OnlineWorld&)>) override { return ExitCode::failed; }

    /// Once `config` is in /etc/c.
    ExitCode execute(const std::string& config, std::vector<const char*> words) {
        EXPECT_TRUE(disk_.create_directories("/etc"));
        EXPECT_TRUE(runtime::write_atomically(disk_, "/etc/c", bytes_of(config)));
        words.insert(words.begin(), "moldau");
        return cli::run(static_cast<int>(words.size()), words.data(), *this);
    }

 private:
    FakeTerminal terminal_;
    runtime::ManualRandom random_;
    runtime::ManualClock clock_;
    runtime::MemoryDisk disk_;
};

TEST(StorageCommands, TellOfKeysThatTheyDoNotKnow) {
    const std::string config =
        "process.roles=broker,controller\nnode.id=1\nlisteners=PLAINTEXT://:9092,CONTROLLER://:9093\n"
        "controller.listener.names=CONTROLLER\nlog.dir_s=/data\n";
    FakeEnvironment environment;
    EXPECT_EQ(environment.execute(config, {"storage", "format", "-s", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", "/etc/c"}),
              ExitCode::ok);
    EXPECT_EQ(environment.terminal().error,
              "moldau: warning: /etc/c: Unknown setting log.dir_s; did you mean log.dirs?\n");
    environment.terminal().error.clear();
    EXPECT_EQ(environment.execute(config, {"storage", "info", "-c", "/etc/c"}), ExitCode::ok);
    EXPECT_TRUE(environment.terminal().error.contains("did you mean log.dirs?"));
    // Also where what is missing is what was misspelt.
    environment.terminal().error.clear();
    EXPECT_EQ(environment.execute("node.id=1\nproces.roles=broker\n", {"storage", "info", "-c", "/etc/c"}),
              ExitCode::failed);
    EXPECT_TRUE(environment.terminal().error.contains("did you mean process.roles?"));
    EXPECT_TRUE(environment.terminal().error.contains("process.roles is missing"));
}

TEST(StorageCommands, FormatsNothingForWhatABrokerWouldRefuse) {
    const auto refusal_of = [](const std::string& more) {
        const std::string config =
            "process.roles=broker,controller\nnode.id=1\nlisteners=PLAINTEXT://:9092,CONTROLLER://:9093\n"
            "controller.listener.names=CONTROLLER\nlog.dirs=/data\n";
        FakeEnvironment environment;
        EXPECT_EQ(environment.execute(config + more, {"storage", "format", "-s", "-t", "id", "-c", "/etc/c"}),
                  ExitCode::failed);
        EXPECT_EQ(environment.terminal().output, "");
        return environment.terminal().error;
    };
    EXPECT_EQ(
        refusal_of("authorizer.class.name=Some\n"),
        "moldau: /etc/c: authorizer.class.name=Some: ACLs are not supported so far, and everybody would be allowed "
        "everything; leave it empty to start all the same\n");
    EXPECT_EQ(refusal_of("listener.security.protocol.map=PLAINTEXT:SASL_PLAINTEXT\n"),
              "moldau: /etc/c: listeners: PLAINTEXT is of the protocol SASL_PLAINTEXT; only PLAINTEXT is supported so "
              "far\n");
    EXPECT_TRUE(refusal_of("log.dirs=/a,/b\n").contains("one log directory is supported so far, not 2"));
    // It may still be asked what is there.
    FakeEnvironment environment;
    EXPECT_EQ(environment.execute("process.roles=controller\nnode.id=1\nlisteners=C://:9093\n"
                                  "controller.listener.names=C\nlog.dirs=/data\n",
                                  {"storage", "info", "-c", "/etc/c"}),
              ExitCode::failed);
    EXPECT_TRUE(environment.terminal().output.contains("/data does not exist")) << environment.terminal().error;
}

TEST(StorageCommands, FormattingADirectoryOfAnotherNodeNamesTheSettingToCorrect) {
    const auto config = [](int node) {
        return fmt::format(
            "process.roles=broker,controller\nnode.id={}\nlisteners=PLAINTEXT://:9092,CONTROLLER://:9093\n"
            "controller.listener.names=CONTROLLER\nlog.dirs=/data\n",
            node);
    };
    FakeEnvironment environment;
    const auto format = [&](int node, const char* cluster) {
        environment.terminal().error.clear();
        return environment.execute(config(node), {"storage", "format", "-s", "-t", cluster, "-c", "/etc/c"});
    };
    ASSERT_EQ(format(1, "first"), ExitCode::ok);
    for (const char* cluster : {"first", "second"}) {
        EXPECT_EQ(format(2, cluster), ExitCode::failed);
        EXPECT_EQ(environment.terminal().error,
                  "moldau: Invalid node.id in: /data/meta.properties. Expected 2, but read 1. The directory holds the "
                  "data of node 1 of cluster first: correct node.id or log.dirs in /etc/c.\n");
    }
    EXPECT_EQ(format(1, "second"), ExitCode::failed);
    EXPECT_TRUE(environment.terminal().error.contains("'moldau broker --config /etc/c' starts on it"));
}

struct TopicAlterTest : CommandsTest {
    TopicAlterTest() {
        using protocol::CreatePartitionsRequest;
        using protocol::IncrementalAlterConfigsRequest;
        cluster.answer<CreatePartitionsRequest>([this](const CreatePartitionsRequest& request, const Asked&) {
            protocol::CreatePartitionsResponse response;
            auto& result = response.results.emplace_back();
            result.name = request.topics.front().name;
            result.error_code = request.validate_only ? error_of_check : error;
            done.emplace_back(request.validate_only ? "ask" : "partitions");
            return response;
        });
        cluster.answer<IncrementalAlterConfigsRequest>(
            [this](const IncrementalAlterConfigsRequest& request, const Asked&) {
                protocol::IncrementalAlterConfigsResponse response;
                response.responses.emplace_back().resource_name = request.resources.front().resource_name;
                done.emplace_back(request.validate_only ? "ask" : "settings");
                return response;
            });
        asked.name = "t";
        asked.add = {{"retention.ms", "1"}};
        asked.partitions = 2;
    }

    TopicAlter asked;
    ErrorCode error_of_check = ErrorCode::none;
    ErrorCode error = ErrorCode::none;
    std::vector<std::string> done;
};

TEST_F(TopicAlterTest, ChangesNothingWherePartitionsAreRefused) {
    error_of_check = ErrorCode::invalid_partitions;
    EXPECT_EQ(execute(asked), ExitCode::failed);
    EXPECT_EQ(done, std::vector<std::string>{"ask"});
    EXPECT_TRUE(told("INVALID_PARTITIONS"));
    EXPECT_FALSE(told("altered"));
}

TEST_F(TopicAlterTest, ChangesSettingsAndPartitions) {
    EXPECT_EQ(execute(asked), ExitCode::ok);
    EXPECT_EQ(done, (std::vector<std::string>{"ask", "settings", "partitions"}));
}

TEST_F(TopicAlterTest, SaysWhatIsDoneWherePartitionsFailAfterAll) {
    error = ErrorCode::not_controller;
    EXPECT_EQ(execute(asked), ExitCode::failed);
    EXPECT_TRUE(told("; its settings are altered, its partitions are not\n")) << terminal.error;
}

TEST_F(TopicAlterTest, OnlyAsksInADryRun) {
    asked.dry_run = true;
    error_of_check = ErrorCode::none;
    EXPECT_EQ(execute(asked), ExitCode::ok);
    EXPECT_EQ(done, (std::vector<std::string>{"ask", "ask", "ask"}));
}

TEST_F(CommandsTest, ShowsAddressesAsTheyAreWritten) {
    cluster.answer<protocol::DescribeClusterRequest>([](const protocol::DescribeClusterRequest&, const Asked&) {
        protocol::DescribeClusterResponse response;
        for (const char* host : {"::1", "broker"}) {
            auto& broker = response.brokers.emplace_back();
            broker.host = protocol::Text(std::string(host));
            broker.port = 9092;
        }
        return response;
    });
    EXPECT_EQ(execute(ClusterDescribe{}), ExitCode::ok);
    EXPECT_TRUE(terminal.output.contains(" [::1]:9092 ")) << terminal.output;
    EXPECT_TRUE(terminal.output.contains(" broker:9092 ")) << terminal.output;
}

struct ConfigAlterTest : CommandsTest {
    ConfigAlterTest() {
        using protocol::DescribeConfigsRequest;
        using protocol::IncrementalAlterConfigsRequest;
        cluster.answer<DescribeConfigsRequest>([](const DescribeConfigsRequest& request, const Asked&) {
            protocol::DescribeConfigsResponse response;
            auto& result = response.results.emplace_back();
            result.resource_name = request.resources.front().resource_name;
            for (const char* name : {"log.retention.ms", "num.io.threads"})
                result.configs.emplace_back().name = protocol::Text(std::string(name));
            return response;
        });
        cluster.answer<IncrementalAlterConfigsRequest>([](const IncrementalAlterConfigsRequest&, const Asked&) {
            return protocol::IncrementalAlterConfigsResponse();
        });
    }
};

TEST_F(ConfigAlterTest, TellsOfAKeyThatBrokersTakeAndDoNotKnow) {
    for (const char* broker : {"", "1"}) {
        const ConfigEntity entity{ConfigEntity::Kind::broker, broker};
        terminal.error.clear();
        EXPECT_EQ(execute(ConfigAlter{.entity = entity, .add = {{"log.retention.mss", "5"}}, .remove = {}}),
                  ExitCode::ok);
        EXPECT_EQ(terminal.error,
                  "moldau: brokers know no configuration 'log.retention.mss', and keep it all the same; did you mean "
                  "log.retention.ms?\n");
        terminal.error.clear();
        const KeyValues known{{"log.retention.ms", "5"}, {"listener.name.internal.ssl.key.password", "x"}};
        EXPECT_EQ(execute(ConfigAlter{.entity = entity, .add = known, .remove = {}}), ExitCode::ok);
        EXPECT_EQ(terminal.error, "");
    }
}

TEST_F(ConfigAlterTest, SaysWhichKeyMayHaveBeenMeantWhereThereIsNone) {
    const ConfigEntity entity{ConfigEntity::Kind::broker, "1"};
    const char* const said =
        "moldau: broker 1 has no configuration 'log.retention.mss'; did you mean log.retention.ms? 'moldau config "
        "describe --broker 1 --all' shows all\n";
    EXPECT_EQ(execute(ConfigAlter{.entity = entity, .add = {}, .remove = {"log.retention.mss"}}), ExitCode::not_found);
    EXPECT_EQ(terminal.error, said);
    terminal.error.clear();
    EXPECT_EQ(execute(ConfigDescribe{entity, false, {"log.retention.mss"}}), ExitCode::not_found);
    EXPECT_EQ(terminal.error, said);
}

struct ConfigDescribeTest : CommandsTest {
    ConfigDescribeTest() {
        using protocol::DescribeConfigsRequest;
        cluster.answer<DescribeConfigsRequest>([this](const DescribeConfigsRequest&, const Asked&) {
            protocol::DescribeConfigsResponse response;
            auto& result = response.results.emplace_back();
            for (const std::string& key : keys) result.configs.emplace_back().name = protocol::Text(key);
            return response;
        });
    }
    std::string described(std::vector<std::string> only) {
        terminal.output.clear();
        const ConfigEntity entity{ConfigEntity::Kind::broker, "1"};
        EXPECT_EQ(execute(ConfigDescribe{entity, false, std::move(only)}, OutputFormat::json), ExitCode::ok);
        return terminal.output;
    }
    std::vector<std::string> keys{"log.retention.ms", "max.connections", "ssl.keystore.location"};
};

TEST_F(ConfigDescribeTest, ShowsWhatABrokerRefusesToAlterAsReadOnly) {
    const auto is_read_only = [this](const char* key) { return described({key}).contains(R"("read_only":true)"); };
    EXPECT_FALSE(is_read_only("max.connections")) << "of Apache Kafka";
    keys.emplace_back("moldau.durability");
    EXPECT_TRUE(is_read_only("max.connections"));
    EXPECT_TRUE(is_read_only("ssl.keystore.location"));
    EXPECT_FALSE(is_read_only("log.retention.ms"));
    EXPECT_FALSE(described({"log.retention.ms"}).contains("max.connections"));
}

struct InternalTopic : CommandsTest {
    InternalTopic() {
        using protocol::MetadataRequest;
        cluster.answer<MetadataRequest>([](const MetadataRequest&, const Asked&) {
            protocol::MetadataResponse response;
            for (const char* name : {"__consumer_offsets", "orders"}) {
                auto& topic = response.topics.emplace_back();
                topic.name = protocol::Text(std::string(name));
                topic.is_internal = name[0] == '_';
            }
            return response;
        });
        cluster.answer<protocol::DescribeConfigsRequest>(
            [](const protocol::DescribeConfigsRequest& request, const Asked&) {
                protocol::DescribeConfigsResponse response;
                auto& result = response.results.emplace_back();
                result.resource_type = request.resources.front().resource_type;
                result.resource_name = request.resources.front().resource_name;
                return response;
            });
    }
    /// Whether the command's output tells of it.
    bool is_shown_by(Command command) {
        terminal.output.clear();
        EXPECT_EQ(execute(std::move(command)), ExitCode::ok) << terminal.error;
        EXPECT_TRUE(terminal.output.contains("orders")) << terminal.output;
        return terminal.output.contains("__consumer_offsets");
    }
};

TEST_F(InternalTopic, IsListedAndDescribedUnlessItIsExcluded) {
    EXPECT_TRUE(is_shown_by(TopicList{}));
    EXPECT_TRUE(is_shown_by(TopicDescribe{}));
    EXPECT_FALSE(is_shown_by(TopicList{.exclude_internal = true}));
    EXPECT_FALSE(is_shown_by(TopicDescribe{.names = {}, .exclude_internal = true}));
}

TEST_F(InternalTopic, IsDeletedOnlyWhenThatIsMeant) {
    using protocol::DeleteTopicsRequest;
    cluster.answer<DeleteTopicsRequest>([](const DeleteTopicsRequest& request, const Asked&) {
        protocol::DeleteTopicsResponse response;
        for (const auto& topic : request.topics) response.responses.emplace_back().name = topic.name->owned();
        return response;
    });
    EXPECT_EQ(execute(TopicDelete{.names = {"orders", "__consumer_offsets"}}), ExitCode::failed);
    EXPECT_EQ(
        terminal.error,
        "moldau: topic '__consumer_offsets' is kept by the cluster for itself; --internal deletes it all the same\n");
    EXPECT_TRUE(cluster.asked_of(DeleteTopicsRequest::api_key).empty());
    EXPECT_EQ(execute(TopicDelete{.names = {"__consumer_offsets"}, .internal = true}), ExitCode::ok);
    EXPECT_EQ(terminal.output, "Deleted topic __consumer_offsets.\n");
    EXPECT_EQ(execute(TopicDelete{.names = {"orders"}}), ExitCode::ok);
}

}  // namespace
}  // namespace moldau::cli
