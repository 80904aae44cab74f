#include "commands/commands.h"
#include "groups/group_client.h"
#include "output/json.h"

namespace moldau::cli {

using runtime::Task;

namespace {

/// Those that are named, and of topics alone those that the group has offsets of: also of topics that are gone.
Task<Outcome<TopicPartitionSet>> partitions_to_forget(GroupClient& groups, const GroupDeleteOffsets& asked) {
    CLI_CO_TRY(committed, co_await groups.committed(asked.group));
    TopicPartitionSet partitions;
    for (const auto& [topic, indexes] : asked.topics) {
        for (const std::int32_t index : indexes) partitions.insert({topic, index});
        if (!indexes.empty()) continue;
        const std::size_t before = partitions.size();
        for (const auto& [partition, offset] : committed)
            if (partition.topic == topic) partitions.insert(partition);
        if (partitions.size() == before)
            co_return failed(ExitCode::not_found,
                             fmt::format("group '{}' has no offsets of topic '{}'; 'moldau group describe' shows what "
                                         "it has",
                                         asked.group, topic));
    }
    co_return partitions;
}

}  // namespace

CommandTask group_delete_offsets(const Context& context, const GroupDeleteOffsets& asked) {
    GroupClient groups(context.session, context.notices());
    const auto partitions = co_await partitions_to_forget(groups, asked);
    if (!partitions) co_return context.report(partitions.error());
    const auto deleted = co_await groups.delete_offsets(asked.group, *partitions);
    if (!deleted) co_return context.report(deleted.error());

    ExitCode code = ExitCode::ok;
    Json json;
    json.begin_array();
    for (const auto& [partition, error] : *deleted) {
        if (error != protocol::ErrorCode::none) {
            code = first_failure(code, context.report(failure_of(error, to_text(partition))));
        } else if (context.json()) {
            json.begin_object()
                .field("group", asked.group)
                .field("topic", partition.topic)
                .field("partition", partition.partition)
                .field("deleted", true)
                .end_object();
        } else {
            context.print(
                fmt::format("Deleted the offset of partition {} of topic {}.\n", partition.partition, partition.topic));
        }
    }
    if (context.json()) context.print(json.end_array().take() + "\n");
    co_return code;
}

}  // namespace moldau::cli
