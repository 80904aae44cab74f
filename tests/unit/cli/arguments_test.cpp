#include "arguments/arguments.h"

#include <sstream>

#include <gtest/gtest.h>

namespace moldau::cli {
namespace {

using Parsed = std::variant<Plan, Finished>;

Parsed parse(const std::vector<std::string>& arguments, std::optional<std::string> bootstrap = std::nullopt) {
    return parse_arguments(arguments, [bootstrap](const std::string& name) {
        return name == "MOLDAU_BOOTSTRAP" ? bootstrap : std::nullopt;
    });
}

Parsed parse_words(const std::string& line) {
    std::istringstream stream(line);
    std::vector<std::string> arguments;
    for (std::string word; stream >> word;) arguments.push_back(word);
    return parse(arguments);
}

template <class T>
T plan_of(const std::string& line) {
    const Parsed parsed = parse_words(line);
    if (const auto* finished = std::get_if<Finished>(&parsed)) {
        ADD_FAILURE() << line << ": " << finished->error;
        return {};
    }
    const auto* command = std::get_if<T>(&std::get<Plan>(parsed).command);
    if (command == nullptr) {
        ADD_FAILURE() << line << ": another command";
        return {};
    }
    return *command;
}

std::string refusal_of(const std::string& line) {
    const Parsed parsed = parse_words(line);
    const auto* finished = std::get_if<Finished>(&parsed);
    if (finished == nullptr || finished->code != ExitCode::usage) {
        ADD_FAILURE() << line << " was not refused";
        return {};
    }
    return finished->error;
}

TEST(Arguments, ReadsTopicCommands) {
    const auto create = plan_of<TopicCreate>("topic create a b -p 3 -r 2 -c x=1 -c y=2=3 --if-not-exists");
    EXPECT_EQ(create.names, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(create.partitions, 3);
    EXPECT_EQ(create.replication_factor, 2);
    EXPECT_EQ(create.configs, (KeyValues{{"x", "1"}, {"y", "2=3"}}));
    EXPECT_TRUE(create.if_not_exists);

    EXPECT_EQ(plan_of<TopicCreate>("topic create a").partitions, -1);
    EXPECT_FALSE(plan_of<TopicList>("topic list").exclude_internal);
    EXPECT_TRUE(plan_of<TopicList>("topic list --exclude-internal").exclude_internal);
    EXPECT_TRUE(plan_of<TopicDescribe>("topic describe --exclude-internal").exclude_internal);
    EXPECT_TRUE(plan_of<TopicDescribe>("topic describe").names.empty());
    const auto alter = plan_of<TopicAlter>("topic alter a --add k=v --delete x --delete y --partitions 9");
    EXPECT_EQ(alter.name, "a");
    EXPECT_EQ(alter.partitions, 9);
    EXPECT_EQ(alter.add, (KeyValues{{"k", "v"}}));
    EXPECT_EQ(alter.remove, (std::vector<std::string>{"x", "y"}));
    EXPECT_TRUE(plan_of<TopicDelete>("topic delete a --if-exists").if_exists);
}

TEST(Arguments, ReadsWhatAConfigurationBelongsTo) {
    using Kind = ConfigEntity::Kind;
    EXPECT_EQ(plan_of<ConfigDescribe>("config describe --topic t k1 k2").keys, (std::vector<std::string>{"k1", "k2"}));
    const auto broker = plan_of<ConfigAlter>("config alter --broker 3 --delete k").entity;
    EXPECT_EQ(broker.kind, Kind::broker);
    EXPECT_EQ(broker.name, "3");
    const auto brokers = plan_of<ConfigDescribe>("config describe --brokers").entity;
    EXPECT_EQ(brokers.kind, Kind::broker);
    EXPECT_EQ(brokers.name, "");
    refusal_of("config describe");
    refusal_of("config describe --topic t --brokers");
    refusal_of("config alter --topic t");
}

TEST(Arguments, TakeThePlacesWhereKafkasToolsHaveTheirFlags) {
    EXPECT_EQ(plan_of<TopicCreate>("topic create --topic a --bootstrap-server h:1").names,
              std::vector<std::string>{"a"});
    EXPECT_EQ(plan_of<Produce>("produce --topic a").topic, "a");
    EXPECT_EQ(plan_of<Consume>("consume --topic a").topic, "a");
}

TEST(Arguments, NameTheWordThatIsNoCommand) {
    for (const auto* line : {"topics list", "helper", "topic ls", "storage version-mapping -b"})
        EXPECT_NE(refusal_of(line).find("there is no command '"), std::string::npos) << line;
    EXPECT_NE(refusal_of("topic lst").find("'moldau topic lst'; did you mean 'list'?"), std::string::npos);
    EXPECT_NE(refusal_of("producer t").find("did you mean 'produce'?"), std::string::npos);
}

void expect_refusal(const std::string& line, const std::string& message) {
    const std::string refusal = refusal_of(line);
    EXPECT_EQ(refusal.substr(0, refusal.find('\n')), "moldau: " + message) << line;
}

TEST(Arguments, NameTheOptionThatThereIsNot) {
    expect_refusal("produce --broker-list localhost:9092 --topic t", "there is no option --broker-list");
    expect_refusal("produce --bootstrap-sever localhost:9092 --topic t",
                   "there is no option --bootstrap-sever; did you mean --bootstrap-server?");
    expect_refusal("consume t --max-messages 1", "there is no option --max-messages");
    expect_refusal("consume t --from-begining", "there is no option --from-begining; did you mean --from-beginning?");
    expect_refusal("consume --ofset=3 t", "there is no option --ofset; did you mean --offset?");
    expect_refusal("topic list --bootstap h:1", "there is no option --bootstap; did you mean --bootstrap?");
    expect_refusal("config describe --topc t", "there is no option --topc; did you mean --topic?");
    expect_refusal("consume t -o json", "there is no option -o");
    expect_refusal("--bootstrap h:1 topic list", "there is no option --bootstrap");
    expect_refusal("consume t u", "unexpected argument 'u'");
    expect_refusal("cluster id ---", "unexpected argument '---'");
}

TEST(Arguments, NameWhatIsNoNumber) {
    expect_refusal("topic create a -p 0", "--partitions: '0' is not a number from 1 to 2147483647");
    expect_refusal("topic create a -p many", "--partitions: 'many' is not a number from 1 to 2147483647");
    expect_refusal("topic create a -r 40000", "--replication-factor: '40000' is not a number from 1 to 32767");
    expect_refusal("topic alter a -p 1.5", "--partitions: '1.5' is not a number from 1 to 2147483647");
    expect_refusal("consume t -p x", "--partition: 'x' is not a number from 0 to 2147483647");
    expect_refusal("produce t -p -1", "--partition: '-1' is not a number from 0 to 2147483647");
    expect_refusal("consume t -n x", "--max-count: 'x' is not a number from 0 to 9223372036854775807");
    expect_refusal("config describe --broker x", "--broker: 'x' is not a number from 0 to 2147483647");
}

TEST(Arguments, NameWhatIsMissingAsTheUsageDoes) {
    expect_refusal("produce", "TOPIC is required");
    expect_refusal("consume -e", "TOPIC is required");
    expect_refusal("topic create", "NAME is required");
    expect_refusal("storage info", "--config is required");
}

std::string help_of(const std::string& line) {
    const Parsed parsed = parse_words(line);
    const auto* finished = std::get_if<Finished>(&parsed);
    return finished == nullptr || finished->code != ExitCode::ok ? "" : finished->output;
}

TEST(Arguments, HelpShowsTheBrokerAmongTheCommands) {
    EXPECT_TRUE(help_of("--help").contains("\n  broker "));
    EXPECT_EQ(help_of("help"), help_of("--help"));
    EXPECT_EQ(help_of("help topic create"), help_of("topic create --help"));
    EXPECT_EQ(help_of("version"), help_of("--version"));
    EXPECT_TRUE(help_of("--version").starts_with("moldau "));
    refusal_of("-- broker");
}

TEST(Arguments, ACommandThatIsMissingIsToldWithThoseThereAre) {
    EXPECT_TRUE(refusal_of("topic").starts_with("moldau: 'moldau topic' needs a command: create, "));
    EXPECT_TRUE(refusal_of("").contains("'moldau' needs a command: "));
}

TEST(Arguments, HelpAsksForATopicOnceAndNamesUnits) {
    const std::string help = help_of("produce --help");
    EXPECT_TRUE(help.contains("produce [OPTIONS] TOPIC\n"));
    EXPECT_FALSE(help.contains("REQUIRED"));
    EXPECT_TRUE(help.contains("--timeout N(ms|s|m|h)"));
    EXPECT_TRUE(help.contains("--batch-size N(B|KiB|MiB)"));
}

TEST(Arguments, ReadsProduce) {
    const auto plain = plan_of<Produce>("produce t");
    EXPECT_EQ(plain.acks, -1);
    EXPECT_TRUE(plain.idempotent);
    EXPECT_FALSE(plain.partition);
    const auto full = plan_of<Produce>(
        "produce t -k \\t --header-separator | -H a=b --null NIL -p 4 -z zstd --acks 1 --batch-size 64KiB --linger "
        "20ms");
    EXPECT_EQ(full.key_separator, "\t");
    EXPECT_EQ(full.header_separator, "|");
    EXPECT_EQ(full.headers, (KeyValues{{"a", "b"}}));
    EXPECT_EQ(full.null_marker, "NIL");
    EXPECT_EQ(full.partition, 4);
    EXPECT_EQ(full.codec, protocol::Codec::zstd);
    EXPECT_EQ(full.acks, 1);
    EXPECT_FALSE(full.idempotent);
    EXPECT_EQ(full.batch_size_bytes, 65'536U);
    EXPECT_EQ(full.linger, std::chrono::milliseconds(20));
    EXPECT_FALSE(plan_of<Produce>("produce t --no-idempotent").idempotent);
    refusal_of("produce t --idempotent --acks 1");
    refusal_of("produce t --idempotent --no-idempotent");
    refusal_of("produce t -k \\q");
    EXPECT_TRUE(refusal_of("produce t --delivery-timeout 0s").contains("--delivery-timeout"));
    EXPECT_TRUE(refusal_of("produce t --timeout 0").contains("--timeout"));
    EXPECT_EQ(plan_of<Produce>("produce t --linger 0").linger, std::chrono::seconds(0));
    refusal_of("produce t -z brotli");
    refusal_of("produce");
}

TEST(Arguments, RefusesWhatAnUnsetVariableGives) {
    for (const std::string flag : {"--cluster-id", "--release-version", "--config"}) {
        std::vector<std::string> arguments{"storage", "format", "-s", flag, ""};
        if (flag != "--cluster-id") arguments.insert(arguments.end(), {"-t", "x"});
        if (flag != "--config") arguments.insert(arguments.end(), {"-c", "f"});
        const Parsed parsed = parse(arguments);
        const auto* refused = std::get_if<Finished>(&parsed);
        ASSERT_NE(refused, nullptr) << flag;
        EXPECT_EQ(refused->code, ExitCode::usage);
        EXPECT_TRUE(refused->error.contains(fmt::format("{}: it must not be empty", flag))) << refused->error;
    }
}

TEST(Arguments, ReadsConsume) {
    using Kind = StartPosition::Kind;
    EXPECT_EQ(plan_of<Consume>("consume t").start, (StartPosition{Kind::latest, 0}));
    EXPECT_EQ(plan_of<Consume>("consume t --from-beginning").start, (StartPosition{Kind::earliest, 0}));
    EXPECT_EQ(plan_of<Consume>("consume t --offset -10").start, (StartPosition{Kind::before_end, 10}));
    EXPECT_EQ(plan_of<Consume>("consume t --since 1970-01-02").start, (StartPosition{Kind::time, 86'400'000}));
    const auto full = plan_of<Consume>("consume t -p 2 -p 1 -p 2 -n 7 -e --json --read-committed");
    EXPECT_EQ(full.partitions, (std::vector<std::int32_t>{1, 2}));
    EXPECT_EQ(full.max_count, 7);
    EXPECT_TRUE(full.exit_at_end && full.json && full.read_committed);
    EXPECT_EQ(plan_of<Consume>("consume t --group g --from-beginning").group, "g");
    expect_refusal("consume t --group g --partition 1",
                   "--group: with it the group says who reads which partition, not --partition");
    for (const std::string where : {"--offset 3", "--offset latest", "--since 0"})
        expect_refusal(fmt::format("consume t --group g {}", where),
                       fmt::format("--group: with it the offsets that the group has committed say where to begin, not "
                                   "{}; 'moldau group reset-offsets' moves them",
                                   where.substr(0, where.find(' '))));
    refusal_of("consume t --from-beginning --offset 3");
    refusal_of("consume t --json -f %v");
    EXPECT_NE(refusal_of("consume t --offset soon").find("'soon'"), std::string::npos);
}

TEST(Arguments, ReadsGroupCommands) {
    using View = GroupDescribe::View;
    const auto list = plan_of<GroupList>("group list --state stable,empty --type classic");
    EXPECT_EQ(list.states, (std::vector<std::string>{"Stable", "Empty"}));
    EXPECT_EQ(list.types, std::vector<std::string>{"classic"});
    const auto described = plan_of<GroupDescribe>("group describe a b");
    EXPECT_EQ(described.groups, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(described.view, View::offsets);
    EXPECT_EQ(plan_of<GroupDescribe>("group describe --group a --state").view, View::state);
    EXPECT_TRUE(plan_of<GroupDescribe>("group describe --all --members --verbose").verbose);
    EXPECT_TRUE(plan_of<GroupDescribe>("group describe --all").groups.empty());
    EXPECT_EQ(plan_of<GroupDelete>("group delete a b").groups, (std::vector<std::string>{"a", "b"}));
    const auto offsets = plan_of<GroupDeleteOffsets>("group delete-offsets a --topic t --topic u:1,0");
    EXPECT_EQ(offsets.topics, (std::vector<TopicPartitions>{{"t", {}}, {"u", {0, 1}}}));
    refusal_of("group describe a --members --state");
    refusal_of("group delete-offsets a");
    expect_refusal("group describe", "GROUP, or --all, is required");
    expect_refusal("group describe a --all", "--all: it stands instead of the names of groups");
}

TEST(Arguments, ReadsEveryFormOfReset) {
    using Kind = ResetTarget::Kind;
    const std::pair<const char*, ResetTarget> forms[] = {
        {"--to-earliest", {Kind::earliest, 0}},
        {"--to-latest", {Kind::latest, 0}},
        {"--to-current", {Kind::current, 0}},
        {"--to-offset 7", {Kind::offset, 7}},
        {"--to-offset -7", {Kind::offset, -7}},
        {"--shift-by 3", {Kind::shift, 3}},
        {"--shift-by -3", {Kind::shift, -3}},
        {"--to-datetime 1970-01-01T00:00:01.500", {Kind::time, 1500}},
        {"--by-duration P1DT1S", {Kind::ago, 86'401'000}},
    };
    for (const auto& [form, target] : forms) {
        const auto asked = plan_of<GroupReset>(fmt::format("group reset-offsets g --topic t:1 --topic u {}", form));
        EXPECT_EQ(asked.target, target) << form;
        EXPECT_EQ(asked.topics, (std::vector<TopicPartitions>{{"t", {1}}, {"u", {}}}));
        EXPECT_FALSE(asked.execute);
    }
    EXPECT_TRUE(plan_of<GroupReset>("group reset-offsets --group g --all-topics --to-latest --execute").execute);
    EXPECT_FALSE(plan_of<GroupReset>("group reset-offsets g --all-topics --to-latest --dry-run").execute);
    EXPECT_TRUE(plan_of<GroupReset>("group reset-offsets g --all-topics --to-latest --export").export_csv);
    const auto from_file = plan_of<GroupReset>("group reset-offsets g --from-file f");
    EXPECT_EQ(from_file.target.kind, Kind::file);
    EXPECT_EQ(from_file.file, "f");
    refusal_of("group reset-offsets g --topic t");
    refusal_of("group reset-offsets g --topic t --to-latest --to-earliest");
    refusal_of("group reset-offsets g --topic t --to-latest --execute --dry-run");
    expect_refusal("group reset-offsets g --to-latest", "--topic or --all-topics is required");
    expect_refusal("group reset-offsets g --to-latest --topic t --all-topics",
                   "--all-topics: it stands instead of --topic");
    expect_refusal("group reset-offsets g --from-file f --topic t",
                   "--from-file: the file names the partitions: neither --topic nor --all-topics goes with it");
    expect_refusal("group reset-offsets --to-latest --topic t", "GROUP is required");
    expect_refusal("group reset-offsets g --to-latest --topic t:",
                   "--topic: 't:' is not a topic, or a topic and its partitions such as orders:0,1,2");
    EXPECT_TRUE(refusal_of("group reset-offsets g --topic t --to-offset x").contains("--to-offset: 'x'"));
}

TEST(Arguments, ReadsStorageCommandsAsKafkaNamesTheirFlags) {
    plan_of<StorageRandomUuid>("storage random-uuid");
    EXPECT_EQ(plan_of<StorageInfo>("storage info --config f").config, "f");
    const auto format =
        plan_of<StorageFormat>("storage format -c f -t id -s -g -r 4.3 -f kraft.version=1 -f share.version=0");
    EXPECT_TRUE(format.standalone && format.ignore_formatted);
    EXPECT_EQ(format.release_version, "4.3");
    EXPECT_EQ(format.features,
              (std::vector<std::pair<std::string, std::int16_t>>{{"kraft.version", 1}, {"share.version", 0}}));
    refusal_of("storage format -c f -t id -f kraft.version=x");
    refusal_of("storage format -c f");
}

TEST(Arguments, FindsBrokersByFlagThenVariableThenDefault) {
    using Endpoints = std::vector<runtime::Endpoint>;
    EXPECT_EQ(std::get<Plan>(parse({"topic", "list", "-b", "x:1"}, "y:2")).connect.bootstrap, (Endpoints{{"x", 1}}));
    EXPECT_EQ(std::get<Plan>(parse({"topic", "list"}, "y:2")).connect.bootstrap, (Endpoints{{"y", 2}}));
    EXPECT_EQ(std::get<Plan>(parse({"topic", "list"})).connect.bootstrap, (Endpoints{{"127.0.0.1", 9092}}));
    const Parsed wrong = parse({"topic", "list"}, "y:0");
    EXPECT_NE(std::get<Finished>(wrong).error.find("MOLDAU_BOOTSTRAP"), std::string::npos);
}

TEST(Arguments, RefusesWhatNoRequestHolds) {
    const std::string longest(32'767, 'x');
    EXPECT_EQ(plan_of<GroupDelete>("group delete " + longest).groups, std::vector<std::string>{longest});
    expect_refusal("group delete " + longest + "x", "an argument is longer than 32767 bytes");
}

TEST(Arguments, ReadsTheOutputFormat) {
    EXPECT_EQ(std::get<Plan>(parse_words("cluster describe -o json")).connect.output, OutputFormat::json);
    EXPECT_EQ(std::get<Plan>(parse_words("cluster describe")).connect.output, OutputFormat::table);
    refusal_of("cluster describe -o xml");
}

TEST(Arguments, NamesTheCommandWhoseHelpWouldTell) {
    EXPECT_NE(refusal_of("topic create").find("moldau topic create --help"), std::string::npos);
    EXPECT_NE(refusal_of("nonsense").find("moldau --help"), std::string::npos);
    EXPECT_NE(refusal_of("topic ls").find("'moldau topic ls'\nSee 'moldau topic --help'"), std::string::npos);
}

TEST(Arguments, EveryCommandHelpsWithExamples) {
    for (const char* command : {"",
                                "topic create",
                                "topic list",
                                "topic describe",
                                "topic alter",
                                "topic delete",
                                "config describe",
                                "config alter",
                                "group list",
                                "group describe",
                                "group reset-offsets",
                                "group delete",
                                "group delete-offsets",
                                "cluster id",
                                "cluster describe",
                                "cluster quorum",
                                "cluster features",
                                "produce",
                                "consume",
                                "storage format",
                                "storage info",
                                "storage random-uuid"}) {
        const Parsed parsed = parse_words(std::string(command) + " --help");
        const auto* help = std::get_if<Finished>(&parsed);
        ASSERT_NE(help, nullptr) << command;
        EXPECT_EQ(help->code, ExitCode::ok) << command;
        EXPECT_NE(help->output.find("\nExamples"), std::string::npos) << command << help->output;
    }
}

TEST(Arguments, HelpOfAGroupIsItsOwn) {
    for (const auto* group : {"topic", "config", "group", "cluster", "storage"}) {
        const Parsed parsed = parse_words(std::string(group) + " --help");
        const std::string& help = std::get<Finished>(parsed).output;
        EXPECT_EQ(help.find("Exit codes"), std::string::npos) << help;
        EXPECT_EQ(help.find("\n\n\n"), std::string::npos) << help;
    }
}

}  // namespace
}  // namespace moldau::cli
