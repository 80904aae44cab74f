#include "commands/commands.h"
#include "groups/group_client.h"
#include "output/json.h"

namespace moldau::cli {

CommandTask group_delete(const Context& context, const GroupDelete& asked) {
    GroupClient groups(context.session, context.notices());
    ExitCode code = ExitCode::ok;
    Json json;
    json.begin_array();
    for (const std::string& group : asked.groups) {
        if (const Outcome<> removed = co_await groups.remove(group); !removed) {
            code = first_failure(code, context.report(removed.error()));
        } else if (context.json()) {
            json.begin_object().field("group", group).field("deleted", true).end_object();
        } else {
            context.print(fmt::format("Deleted group {}.\n", group));
        }
    }
    if (context.json()) context.print(json.end_array().take() + "\n");
    co_return code;
}

}  // namespace moldau::cli
