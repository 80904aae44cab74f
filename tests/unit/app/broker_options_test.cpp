// What becomes of settings: a table of server.properties and options. Each row is what a user may write.

#include "broker_options.h"

#include <algorithm>
#include <filesystem>

#include <gtest/gtest.h>

#include <moldau/metadata/configs.h>

#include "broker_command.h"
#include "support/localhost.h"

namespace moldau::app {
namespace {

using runtime::Duration;

const std::string longest = std::to_string(INT64_MAX);

Result<BrokerOptions> resolved(std::vector<std::string> settings) {
    return resolve({.config_file = std::nullopt, .overrides = std::move(settings)});
}

BrokerOptions options(std::vector<std::string> settings) {
    auto result = resolved(std::move(settings));
    EXPECT_TRUE(result) << result.error().message;
    return result.value_or(BrokerOptions{});
}

std::string refusal(std::vector<std::string> settings) {
    const auto result = resolved(std::move(settings));
    return result ? "" : result.error().message;
}

metadata::TopicConfig topic(const std::vector<std::string>& settings) {
    const metadata::Image empty;
    const BrokerOptions from = options(settings);
    return metadata::ConfigView(empty, from.node.id, from.node.file).topic("events");
}

TEST(BrokerOptions, WithoutAnythingItIsOneNodeThatFormatsItsDirectory) {
    const BrokerOptions embedded = options({});
    EXPECT_EQ(embedded.node.id, NodeId(1));
    EXPECT_TRUE(embedded.node.format_if_empty);
    ASSERT_EQ(embedded.listeners.all.size(), 2U);
    EXPECT_EQ(embedded.node.advertised.front().host, "127.0.0.1");
    EXPECT_EQ(embedded.node.controller_endpoints.front().name, "CONTROLLER");
    EXPECT_TRUE(embedded.warnings.empty()) << embedded.warnings.front();
}

TEST(BrokerOptions, IdleConnectionsAreClosedAfterTheTimeThatIsToldOrNever) {
    const auto max_idle = [](const std::string& ms) {
        return options({"connections.max.idle.ms=" + ms}).server.max_idle;
    };
    EXPECT_EQ(max_idle("600000"), std::chrono::minutes(10));
    EXPECT_EQ(max_idle("-1"), Duration::max());
    EXPECT_EQ(max_idle("-7"), Duration::max());
    EXPECT_EQ(max_idle(longest), Duration::max());
    EXPECT_EQ(max_idle(" 101 "), std::chrono::milliseconds(101));
    EXPECT_NE(refusal({"connections.max.idle.ms=0"}), "");
}

TEST(BrokerOptions, BlanksAroundAValueMeanNothing) {
    const BrokerOptions told = options({"broker.rack=a ", "node.id= 7 ", "log.dirs=/data ", "moldau.shards=2 ",
                                        "process.roles=broker, controller ", "metadata.log.dir=/data "});
    EXPECT_EQ(told.node.rack, "a");
    EXPECT_EQ(told.node.id, NodeId(7));
    EXPECT_EQ(told.node.log_dir, "/data");
    EXPECT_EQ(told.shards, 2U);
    EXPECT_EQ(topic({"moldau.durability=disk "}).durability, metadata::Durability::disk);
    EXPECT_EQ(topic({"moldau.durability=page-cache "}).durability, metadata::Durability::page_cache);
    EXPECT_EQ(topic({"compression.type=zstd "}).compression_type, "zstd");
}

TEST(BrokerOptions, AgesMayBeTheLongestOrUnlimited) {
    EXPECT_EQ(topic({"log.retention.ms=-1"}).retention_ms, -1);
    EXPECT_EQ(topic({"log.retention.hours=-1"}).retention_ms, -1);
    EXPECT_EQ(topic({"log.retention.ms=" + longest}).retention_ms, INT64_MAX);
    EXPECT_EQ(topic({"log.roll.ms=" + longest}).segment_ms, INT64_MAX);
    EXPECT_EQ(topic({"log.segment.delete.delay.ms=" + longest}).file_delete_delay_ms, INT64_MAX);
}

TEST(BrokerOptions, WhatKafkaRefusesIsRefusedByName) {
    for (const char* setting : {"log.roll.ms=0", "log.roll.jitter.ms=-1", "log.retention.ms=0", "log.segment.bytes=-1",
                                "log.segment.delete.delay.ms=-1", "log.retention.check.interval.ms=0",
                                "moldau.durability=tape", "max.connections.per.ip=0"}) {
        const std::string key(setting, std::string_view(setting).find('='));
        EXPECT_NE(refusal({setting}).find(key), std::string::npos) << setting << ": " << refusal({setting});
    }
}

TEST(BrokerOptions, WhatCouldNotBeToldToWhoeverAsksIsRefused) {
    const std::string long_text(32'768, '1');
    EXPECT_EQ(refusal({"max.connections.per.ip.overrides=" + long_text}),
              "max.connections.per.ip.overrides: it has 32768 bytes; 32767 is the most for a key and for its value");
    EXPECT_NE(refusal({long_text + "=1"}).find("it has 32768 bytes"), std::string::npos);
}

TEST(BrokerOptions, AnAuthorizerIsNotReplacedByNone) {
    const std::string standard = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";
    const auto refused = resolved({"authorizer.class.name=" + standard});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::unsupported);
    EXPECT_NE(refused.error().message.find("authorizer.class.name=" + standard), std::string::npos);
    EXPECT_EQ(refusal({"authorizer.class.name="}), "");
    EXPECT_EQ(refusal({"authorizer.class.name= "}), "");
}

TEST(BrokerOptions, APolicyIsNotPassedOver) {
    for (const char* policy : {"create.topic.policy.class.name", "alter.config.policy.class.name"}) {
        EXPECT_NE(refusal({std::string(policy) + "=some.Policy"}).find(policy), std::string::npos);
        EXPECT_EQ(refusal({std::string(policy) + "="}), "");
    }
}

TEST(BrokerOptions, LimitsOfAddressesAreOfWhatTheirNamesStandForAtTheStart) {
    const auto limits = [](const std::string& overrides) {
        return options({"max.connections.per.ip=0", "max.connections.per.ip.overrides=" + overrides})
            .server.max_connections_of;
    };
    using Limits = std::map<std::string, std::size_t>;
    EXPECT_EQ(limits("192.0.2.1:5,0:0:0:0:0:0:0:1:6, ::ffff:192.0.2.2:-7"),
              (Limits{{"192.0.2.1", 5}, {"192.0.2.2", 0}, {"::1", 6}}));
    if (knows_localhost()) EXPECT_EQ(limits("localhost:3"), (Limits{{"127.0.0.1", 3}}));
    const std::string unknown = refusal({"max.connections.per.ip.overrides=moldau-no-such-host.invalid:3"});
    EXPECT_NE(unknown.find("max.connections.per.ip.overrides"), std::string::npos) << unknown;
    EXPECT_NE(unknown.find("moldau-no-such-host.invalid"), std::string::npos) << unknown;
}

TEST(BrokerOptions, AStaticQuorumIsThisNodeAlone) {
    EXPECT_FALSE(options({}).node.is_static_quorum);
    EXPECT_TRUE(options({"controller.quorum.voters=1@localhost:9093"}).node.is_static_quorum);
    for (const char* voters : {"2@localhost:9093", "11@localhost:9093", "1@a:9093,2@b:9093"})
        EXPECT_NE(refusal({std::string("controller.quorum.voters=") + voters}).find("must be the only voter"),
                  std::string::npos)
            << voters;
}

TEST(BrokerOptions, NamesOfListenersAreTheSameInUpperAndLowerCase) {
    const BrokerOptions told =
        options({"listeners=plaintext://:9092,controller://here:9093", "advertised.listeners=Plaintext://there:19092",
                 "controller.listener.names=Controller"});
    ASSERT_EQ(told.node.advertised.size(), 1U);
    EXPECT_EQ(told.node.advertised.front(), (metadata::Endpoint{"PLAINTEXT", "there", 19092, 0}));
    ASSERT_EQ(told.node.controller_endpoints.size(), 1U);
    EXPECT_EQ(told.node.controller_endpoints.front(), (metadata::Endpoint{"CONTROLLER", "here", 9093, 0}));
}

TEST(BrokerOptions, KeysWithoutEffectAreToldOnceByName) {
    const BrokerOptions told = options({"num.io.threads=8", "offsets.load.buffer.size=1", "log.cleaner.threads=2",
                                        "log.retention.hour=1", "num.partitions=3"});
    ASSERT_EQ(told.warnings.size(), 1U);
    EXPECT_NE(told.warnings[0].find("log.retention.hours"), std::string::npos) << told.warnings[0];
    ASSERT_EQ(told.notes.size(), 2U);
    EXPECT_NE(told.notes[0].find("ignored: num.io.threads"), std::string::npos) << told.notes[0];
    EXPECT_NE(told.notes[1].find("yet: log.cleaner.threads, offsets.load.buffer.size"), std::string::npos)
        << told.notes[1];
}

TEST(BrokerOptions, ARefusalTellsOfKeysThatMayBeWhy) {
    const std::string told = refusal({"proces.roles=broker,controller", "process.roles=broker"});
    EXPECT_NE(told.find("process.roles=broker: a single node"), std::string::npos) << told;
    EXPECT_TRUE(told.ends_with("\nwarning: Unknown setting proces.roles; did you mean process.roles?")) << told;
}

TEST(BrokerOptions, DataNeedsAPlaceThatIsNamed) {
    EXPECT_NE(refusal({"log.dirs="}).find("'log.dirs' must not be empty"), std::string::npos);
    const auto without_home = [](std::vector<std::string> settings) {
        return resolve({.config_file = std::nullopt, .overrides = std::move(settings)}, "");
    };
    const auto refused = without_home({});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message,
              "neither XDG_DATA_HOME nor HOME says where the data is to be: --override log.dirs=<directory> does");
    EXPECT_TRUE(without_home({"log.dirs=/data"}));
    EXPECT_TRUE(without_home({"log.dir=/data"}));
}

TEST(BrokerOptions, ADefaultGivesWayToAKeyThatMeansTheSame) {
    const BrokerOptions told = options({"log.dir=/data", "broker.id=2"});
    EXPECT_EQ(told.node.log_dir, "/data");
    EXPECT_EQ(told.node.id, NodeId(2));
    EXPECT_TRUE(told.warnings.empty()) << told.warnings.front();
    EXPECT_NE(refusal({"node.id=1", "broker.id=2"}).find("broker.id"), std::string::npos);
}

TEST(BrokerOptions, OfTwoKeysForTheDirectoryTheOneThatIsPassedOverIsTold) {
    const BrokerOptions told = options({"log.dir=/one", "log.dirs=/data"});
    EXPECT_EQ(told.node.log_dir, "/data");
    EXPECT_EQ(told.warnings, (std::vector<std::string>{"log.dir=/one is passed over, since log.dirs=/data is set"}));
}

// As the container's ENTRYPOINT and what a user adds to it.
TEST(BrokerOptions, TheLaterOverrideOfAKeyCountsAndTheOthersStay) {
    const BrokerOptions told =
        options({"log.dirs=/data", "listeners=PLAINTEXT://:9092,CONTROLLER://127.0.0.1:9093",
                 "advertised.listeners=PLAINTEXT://localhost:9092", "advertised.listeners=PLAINTEXT://outside:19092"});
    EXPECT_EQ(told.node.advertised.front(), (metadata::Endpoint{"PLAINTEXT", "outside", 19092, 0}));
    EXPECT_EQ(told.listeners.all.front().bind.host, "");
    EXPECT_EQ(told.node.log_dir, "/data");
}

struct ConfigFile : testing::Test {
    std::pair<int, std::string> start(const std::string& path) {
        std::vector<std::string> words{"broker", "--config", path};
        std::vector<char*> arguments;
        for (std::string& word : words) arguments.push_back(word.data());
        testing::internal::CaptureStderr();
        const int status = broker_command(static_cast<int>(arguments.size()), arguments.data());
        return {status, testing::internal::GetCapturedStderr()};
    }
    std::filesystem::path directory = testing::TempDir();
};

TEST_F(ConfigFile, ThatCannotBeReadIsToldWithTheReason) {
    const std::string missing = directory / "there-is-none.properties";
    EXPECT_EQ(start(missing),
              std::pair(4, "moldau: " + missing + ": No such file or directory; --config names a server.properties\n"));
    EXPECT_EQ(start(directory),
              std::pair(1, "moldau: " + directory.string() + ": Is a directory; --config names a server.properties\n"));
}

TEST(BrokerOptions, ListenersThatCannotWorkAreRefused) {
    const auto refused = [](const char* listeners, const char* more) {
        return refusal({fmt::format("listeners={}", listeners), more});
    };
    const char* const usual = "PLAINTEXT://:9092,CONTROLLER://:9093";
    EXPECT_EQ(refused(usual, "num.partitions=1"), "");
    EXPECT_NE(refused(usual, "controller.listener.names=OTHER").find("OTHER"), std::string::npos);
    EXPECT_NE(refused(usual, "advertised.listeners=OTHER://a:1").find("OTHER"), std::string::npos);
    EXPECT_NE(refused(usual, "advertised.listeners=PLAINTEXT://0.0.0.0:1").find("0.0.0.0"), std::string::npos);
    EXPECT_NE(refused("CONTROLLER://:9093", "num.partitions=1").find("for clients"), std::string::npos);
    EXPECT_NE(refused("PLAINTEXT://:9092,plaintext://:9094,CONTROLLER://:9093", "num.partitions=1").find("twice"),
              std::string::npos);
    EXPECT_NE(refused("PLAINTEXT:9092,CONTROLLER://:9093", "num.partitions=1").find("PLAINTEXT:9092"),
              std::string::npos);
    EXPECT_NE(refused("SASL_SSL://:9092,CONTROLLER://:9093", "num.partitions=1").find("only PLAINTEXT"),
              std::string::npos);
}

}  // namespace
}  // namespace moldau::app
