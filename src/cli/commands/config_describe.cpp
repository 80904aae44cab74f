#include "commands/configs.h"
#include "output/json.h"
#include "output/table.h"

namespace moldau::cli {

CommandTask config_describe(const Context& context, const ConfigDescribe& asked) {
    auto configs = co_await fetch_configs(context.session, asked.entity, asked.keys);
    if (!configs) co_return context.report(configs.error());
    for (const std::string& key : asked.keys) {
        if (std::ranges::find(*configs, key, &ConfigEntry::name) != configs->end()) continue;
        const auto unknown = co_await find_unknown_keys(context.session, asked.entity, {key});
        if (!unknown) co_return context.report(unknown.error());
        // The defaults of all brokers have not every key that there is.
        const UnknownKey missing = unknown->empty() ? UnknownKey{key, std::nullopt} : unknown->front();
        co_return context.report(no_such_key(asked.entity, missing).error());
    }
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
