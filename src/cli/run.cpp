#include "run.h"

#include "arguments/arguments.h"
#include "commands/storage.h"
#include "net_connector.h"

namespace moldau::cli {

namespace {

template <class... Functions>
struct Overloaded : Functions... {
    using Functions::operator()...;
};

CommandTask begin(const Context& context, const Command& command) {
    return std::visit(Overloaded{
                          [&](const TopicCreate& asked) { return topic_create(context, asked); },
                          [&](const TopicList& asked) { return topic_list(context, asked); },
                          [&](const TopicDescribe& asked) { return topic_describe(context, asked); },
                          [&](const TopicAlter& asked) { return topic_alter(context, asked); },
                          [&](const TopicDelete& asked) { return topic_delete(context, asked); },
                          [&](const ConfigDescribe& asked) { return config_describe(context, asked); },
                          [&](const ConfigAlter& asked) { return config_alter(context, asked); },
                          [&](const ClusterId& asked) { return cluster_id(context, asked); },
                          [&](const ClusterDescribe& asked) { return cluster_describe(context, asked); },
                          [&](const ClusterQuorum& asked) { return cluster_quorum(context, asked); },
                          [&](const ClusterFeatures& asked) { return cluster_features(context, asked); },
                          [&](const GroupList& asked) { return group_list(context, asked); },
                          [&](const GroupDescribe& asked) { return group_describe(context, asked); },
                          [&](const GroupReset& asked) { return group_reset(context, asked); },
                          [&](const GroupDelete& asked) { return group_delete(context, asked); },
                          [&](const GroupDeleteOffsets& asked) { return group_delete_offsets(context, asked); },
                          [&](const Produce& asked) { return produce(context, asked); },
                          [&](const Consume& asked) { return consume(context, asked); },
                          [](const auto&) -> CommandTask { MOLDAU_ASSERT(!"a storage command is not for a session"); },
                      },
                      command);
}

/// Nothing when the command needs brokers.
std::optional<ExitCode> execute_offline(const Command& command, Environment& environment) {
    if (std::holds_alternative<StorageRandomUuid>(command)) return storage_random_uuid(environment);
    if (const auto* asked = std::get_if<StorageInfo>(&command)) return storage_info(environment, *asked);
    if (const auto* asked = std::get_if<StorageFormat>(&command)) return storage_format(environment, *asked);
    return std::nullopt;
}

CommandTask execute_over_network(const Plan& plan, OnlineWorld& world) {
    NetConnector connector(world.shard, world.transport);
    co_return co_await execute_online(plan, world, connector);
}

ExitCode execute(int count, const char* const* arguments, Environment& environment) {
    std::string_view called_by = arguments[0];
    called_by.remove_prefix(called_by.rfind('/') + 1);  // npos + 1 is 0
    if (called_by.starts_with("kafka-")) {
        environment.terminal().write_error(fmt::format(
            "{}: this program does not answer to the names of Kafka's tools yet; see 'moldau --help'\n", called_by));
        return ExitCode::usage;
    }
    auto parsed = parse_arguments(std::vector<std::string>(arguments + 1, arguments + count),
                                  [&](const std::string& name) { return environment.variable(name); });
    if (const auto* finished = std::get_if<Finished>(&parsed)) {
        if (!finished->output.empty()) (void)environment.terminal().write_output(bytes_of(finished->output));
        if (!finished->error.empty()) environment.terminal().write_error(finished->error);
        return finished->code;
    }
    const Plan& plan = std::get<Plan>(parsed);
    if (const auto code = execute_offline(plan.command, environment)) return *code;
    return environment.run_online([&plan](OnlineWorld& world) { return execute_over_network(plan, world); });
}

}  // namespace

CommandTask execute_online(const Plan& plan, OnlineWorld& world, Connector& connector) {
    Session session(world.shard, connector, {plan.connect.bootstrap, plan.connect.timeout});
    const Context context{session, world, plan.connect.output};
    if (const Outcome<> opened = co_await session.open(); !opened) co_return context.report(opened.error());
    co_return co_await begin(context, plan.command);
}

ExitCode run(int count, const char* const* arguments, Environment& environment) {
    const ExitCode code = execute(count, arguments, environment);
    Terminal& terminal = environment.terminal();
    if (code != ExitCode::ok || !terminal.output_failure()) return code;
    // Whoever asked has not got the answer.
    terminal.write_error(fmt::format("moldau: {}\n", terminal.output_failure()->message));
    return ExitCode::failed;
}

}  // namespace moldau::cli
