#include "commands/configs.h"
#include "output/json.h"

namespace moldau::cli {

namespace {

/// Of what brokers take all the same; topics refuse it. Asked before they have it.
runtime::Task<Outcome<std::vector<UnknownKey>>> find_doubtful_keys(Session& session, const ConfigAlter& asked) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : asked.add)
        if (!key.starts_with("listener.name.")) keys.push_back(key);  // told only where they are set
    if (keys.empty() || asked.entity.kind != ConfigEntity::Kind::broker) co_return std::vector<UnknownKey>();
    co_return co_await find_unknown_keys(session, asked.entity, std::move(keys));
}

}  // namespace

CommandTask config_alter(const Context& context, const ConfigAlter& asked) {
    const auto doubtful = co_await find_doubtful_keys(context.session, asked);
    if (!doubtful) co_return context.report(doubtful.error());
    const Outcome<> changed =
        co_await change_configs(context.session, asked.entity, asked.add, asked.remove, asked.dry_run);
    if (!changed) co_return context.report(changed.error());
    for (const UnknownKey& key : *doubtful)
        context.note("moldau: brokers know no configuration '{}', and keep it all the same{}", key.name,
                     suggested(key));
    if (context.json()) {
        Json json;
        json.begin_object().field("entity", name_of(asked.entity)).field("altered", !asked.dry_run).end_object();
        context.print(json.take() + "\n");
    } else {
        context.print(fmt::format("{} the configuration of {}.\n", asked.dry_run ? "Could alter" : "Altered",
                                  name_of(asked.entity)));
    }
    co_return ExitCode::ok;
}

}  // namespace moldau::cli
