#include "commands/configs.h"
#include "output/json.h"

namespace moldau::cli {

CommandTask config_alter(const Context& context, const ConfigAlter& asked) {
    const Outcome<> changed =
        co_await change_configs(context.session, asked.entity, asked.add, asked.remove, asked.dry_run);
    if (!changed) co_return context.report(changed.error());
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
