#include "commands/configs.h"
#include "output/json.h"
#include "output/table.h"

namespace moldau::cli {

namespace {

std::string leader_text(NodeId leader) {
    return leader == no_node ? "none" : std::to_string(leader.value());
}

void print_for_people(const Context& context, const std::string& name, const TopicInfo& topic,
                      const std::vector<ConfigEntry>& configs) {
    std::string text = fmt::format("Topic:       {}\nId:          {}\nPartitions:  {}\n", name, topic.id.to_string(),
                                   topic.partitions.size());
    for (const ConfigEntry& config : configs)
        text += fmt::format("{}{}={}\n", &config == configs.data() ? "Configs:     " : "             ", config.name,
                            shown(config));
    Table table({{"PARTITION", Align::right},
                 {"LEADER", Align::right},
                 {"EPOCH", Align::right},
                 {"REPLICAS"},
                 {"IN SYNC"},
                 {"OFFLINE"}});
    for (const auto& [index, partition] : topic.partitions)
        table.add({std::to_string(index), leader_text(partition.leader), std::to_string(partition.leader_epoch.value()),
                   joined(partition.replicas), joined(partition.isr),
                   partition.offline.empty() ? "-" : joined(partition.offline)});
    context.print(text + "\n" + table.text());
}

void write_nodes(Json& json, std::string_view name, const std::vector<NodeId>& nodes) {
    json.key(name).begin_array();
    for (const NodeId node : nodes) json.value(node.value());
    json.end_array();
}

void write(Json& json, const std::string& name, const TopicInfo& topic, const std::vector<ConfigEntry>& configs) {
    json.begin_object().field("name", name).field("id", topic.id.to_string()).field("internal", topic.internal);
    json.key("configs").begin_object();
    for (const ConfigEntry& config : configs) json.field(config.name, config.value);
    json.end_object().key("partitions").begin_array();
    for (const auto& [index, partition] : topic.partitions) {
        json.begin_object()
            .field("partition", index)
            .field("leader", partition.leader.value())
            .field("leader_epoch", partition.leader_epoch.value());
        write_nodes(json, "replicas", partition.replicas);
        write_nodes(json, "in_sync_replicas", partition.isr);
        write_nodes(json, "offline_replicas", partition.offline);
        json.end_object();
    }
    json.end_array().end_object();
}

}  // namespace

CommandTask topic_describe(const Context& context, const TopicDescribe& asked) {
    std::optional<std::vector<std::string>> names;
    if (!asked.names.empty()) names = asked.names;
    if (Outcome<> known = co_await context.session.refresh(names); !known) co_return context.report(known.error());

    ExitCode code = ExitCode::ok;
    Json json;
    json.begin_array();
    bool first = true;
    for (const auto& [name, topic] : context.session.cluster().topics) {
        if (topic.internal && asked.exclude_internal) continue;
        if (topic.error != protocol::ErrorCode::none) {
            code = first_failure(code, context.report(failure_of(topic.error, fmt::format("topic '{}'", name))));
            continue;
        }
        auto configs = co_await fetch_configs(context.session, {ConfigEntity::Kind::topic, name}, {});
        if (!configs) {
            code = first_failure(code, context.report(configs.error()));
            continue;
        }
        std::erase_if(*configs, [](const ConfigEntry& config) { return config.source != "topic"; });
        if (context.json()) {
            write(json, name, topic, *configs);
        } else {
            if (!first) context.print("\n");
            print_for_people(context, name, topic, *configs);
        }
        first = false;
    }
    if (context.json()) context.print(json.end_array().take() + "\n");
    co_return code;
}

}  // namespace moldau::cli
