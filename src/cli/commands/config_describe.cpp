#include <algorithm>

#include <moldau/metadata/config_def.h>

#include "commands/configs.h"
#include "output/json.h"
#include "output/table.h"

namespace moldau::cli {

namespace {

/// DescribeConfigs says what Kafka says. That some of it can still not be altered is known here: by the rules for
/// security settings, and of a broker of Moldau, which tells settings of its own, by what it reads at its start.
void mark_read_only(std::vector<ConfigEntry>& configs) {
    const bool is_moldau =
        std::ranges::any_of(configs, [](const ConfigEntry& config) { return config.name.starts_with("moldau."); });
    for (ConfigEntry& config : configs) {
        const metadata::ConfigDef* def = metadata::find_config(metadata::broker_configs(), config.name);
        if (def != nullptr && metadata::is_altered_per_listener(*def)) config.read_only = true;
        if (is_moldau && metadata::is_read_at_start(config.name)) config.read_only = true;
    }
}

}  // namespace

CommandTask config_describe(const Context& context, const ConfigDescribe& asked) {
    const bool of_broker = asked.entity.kind == ConfigEntity::Kind::broker;
    // All of a broker's: they show whose it is.
    auto configs =
        co_await fetch_configs(context.session, asked.entity, of_broker ? std::vector<std::string>() : asked.keys);
    if (!configs) co_return context.report(configs.error());
    if (of_broker) mark_read_only(*configs);
    for (const std::string& key : asked.keys) {
        if (std::ranges::find(*configs, key, &ConfigEntry::name) != configs->end()) continue;
        const auto unknown = co_await find_unknown_keys(context.session, asked.entity, {key});
        if (!unknown) co_return context.report(unknown.error());
        // The defaults of all brokers have not every key that there is.
        const UnknownKey missing = unknown->empty() ? UnknownKey{key, std::nullopt} : unknown->front();
        co_return context.report(no_such_key(asked.entity, missing).error());
    }
    if (!asked.keys.empty())
        std::erase_if(*configs,
                      [&](const ConfigEntry& config) { return std::ranges::count(asked.keys, config.name) == 0; });
    if (!asked.all && asked.keys.empty())
        std::erase_if(*configs, [](const ConfigEntry& config) { return config.is_default; });

    Table table({{"KEY"}, {"VALUE"}, {"FROM"}, {"READ ONLY"}});
    Json json;
    json.begin_array();
    for (const ConfigEntry& config : *configs) {
        table.add({config.name, shown(config), config.source, config.read_only ? "yes" : "no"});
        json.begin_object()
            .field("key", config.name)
            .field("value", config.value)
            .field("source", config.source)
            .field("read_only", config.read_only)
            .end_object();
    }
    context.print(context.json() ? json.end_array().take() + "\n" : table.text());
    co_return ExitCode::ok;
}

}  // namespace moldau::cli
