#include "commands/commands.h"
#include "output/json.h"
#include "output/table.h"

namespace moldau::cli {

CommandTask topic_list(const Context& context, const TopicList& asked) {
    if (Outcome<> known = co_await context.session.refresh(std::nullopt); !known)
        co_return context.report(known.error());
    Table table({{"NAME"}, {"PARTITIONS", Align::right}, {"REPLICAS", Align::right}, {"ID"}});
    Json json;
    json.begin_array();
    for (const auto& [name, topic] : context.session.cluster().topics) {
        if (topic.internal && asked.exclude_internal) continue;
        const std::size_t replicas = topic.partitions.empty() ? 0 : topic.partitions.begin()->second.replicas.size();
        table.add({name, std::to_string(topic.partitions.size()), std::to_string(replicas), topic.id.to_string()});
        json.begin_object()
            .field("name", name)
            .field("id", topic.id.to_string())
            .field("internal", topic.internal)
            .field("partitions", topic.partitions.size())
            .field("replication_factor", replicas)
            .end_object();
    }
    if (table.empty()) context.note("moldau: there are no topics");
    context.print(context.json() ? json.end_array().take() + "\n" : table.text());
    co_return ExitCode::ok;
}

}  // namespace moldau::cli
