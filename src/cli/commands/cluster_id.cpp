#include "commands/commands.h"
#include "output/json.h"

namespace moldau::cli {

CommandTask cluster_id(const Context& context, const ClusterId&) {
    if (Outcome<> known = co_await context.session.refresh(std::vector<std::string>()); !known)
        co_return context.report(known.error());
    const std::string& id = context.session.cluster().id;
    Json json;
    json.begin_object().field("cluster_id", id).end_object();
    context.print((context.json() ? json.take() : id) + "\n");
    co_return ExitCode::ok;
}

}  // namespace moldau::cli
