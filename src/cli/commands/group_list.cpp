#include "commands/commands.h"
#include "groups/group_client.h"
#include "output/json.h"
#include "output/table.h"

namespace moldau::cli {

CommandTask group_list(const Context& context, const GroupList& asked) {
    GroupClient groups(context.session, context.notices());
    const auto listed = co_await groups.list(asked.states, asked.types);
    if (!listed) co_return context.report(listed.error());
    Table table({{"GROUP"}, {"TYPE"}, {"STATE"}, {"PROTOCOL"}});
    Json json;
    json.begin_array();
    for (const ListedGroup& group : *listed) {
        table.add({group.id, group.type, group.state, group.protocol_type.empty() ? "-" : group.protocol_type});
        json.begin_object()
            .field("group", group.id)
            .field("type", group.type)
            .field("state", group.state)
            .field("protocol_type", group.protocol_type)
            .end_object();
    }
    if (listed->empty())
        context.note("moldau: there are no {}groups", asked.states.empty() && asked.types.empty() ? "" : "such ");
    context.print(context.json() ? json.end_array().take() + "\n" : table.text());
    co_return ExitCode::ok;
}

}  // namespace moldau::cli
