#include <moldau/protocol/messages/describe_quorum.h>

#include "commands/commands.h"
#include "output/json.h"
#include "output/table.h"

namespace moldau::cli {

namespace {

constexpr const char* metadata_topic = "__cluster_metadata";

struct Output {
    Table table{{{"NODE", Align::right}, {"ROLE"}, {"LOG END", Align::right}, {"LAG", Align::right}, {"DIRECTORY"}}};
    Json json;
};

template <class Replicas>
void add(Output& output, const Replicas& replicas, const char* role, NodeId leader, Offset leader_end) {
    for (const auto& replica : replicas) {
        const bool leads = replica.replica_id == leader;
        const std::int64_t lag = std::max<std::int64_t>(0, leader_end - replica.log_end_offset);
        output.table.add({std::to_string(replica.replica_id.value()), leads ? "leader" : role,
                          std::to_string(replica.log_end_offset.value()), std::to_string(lag),
                          replica.replica_directory_id.to_string()});
        output.json.begin_object()
            .field("node", replica.replica_id.value())
            .field("role", leads ? "leader" : role)
            .field("log_end_offset", replica.log_end_offset.value())
            .field("lag", lag)
            .field("directory_id", replica.replica_directory_id.to_string())
            .end_object();
    }
}

}  // namespace

CommandTask cluster_quorum(const Context& context, const ClusterQuorum&) {
    protocol::DescribeQuorumRequest request;
    auto& topic = request.topics.emplace_back();
    topic.topic_name = protocol::Text::borrow(metadata_topic);
    topic.partitions.emplace_back();
    auto answer = co_await context.session.call(request);
    if (!answer) co_return context.report(answer.error());
    if ((*answer)->error_code != protocol::ErrorCode::none)
        co_return context.report(failure_of((*answer)->error_code, "the quorum", (*answer)->error_message));
    if ((*answer)->topics.empty() || (*answer)->topics.front().partitions.empty())
        co_return context.report({ExitCode::failed, "the broker's answer says nothing of the metadata log"});
    const auto& quorum = (*answer)->topics.front().partitions.front();
    if (quorum.error_code != protocol::ErrorCode::none)
        co_return context.report(failure_of(quorum.error_code, "the quorum", quorum.error_message));

    Offset leader_end{0};
    for (const auto& voter : quorum.current_voters)
        if (voter.replica_id == quorum.leader_id) leader_end = voter.log_end_offset;
    Output output;
    output.json.begin_object()
        .field("leader", quorum.leader_id.value())
        .field("leader_epoch", quorum.leader_epoch.value())
        .field("high_watermark", quorum.high_watermark.value())
        .key("replicas")
        .begin_array();
    add(output, quorum.current_voters, "voter", quorum.leader_id, leader_end);
    add(output, quorum.observers, "observer", quorum.leader_id, leader_end);
    output.json.end_array().end_object();
    context.print(context.json() ? output.json.take() + "\n"
                                 : fmt::format("Leader: {}   epoch: {}   high watermark: {}\n\n{}", quorum.leader_id,
                                               quorum.leader_epoch, quorum.high_watermark, output.table.text()));
    co_return ExitCode::ok;
}

}  // namespace moldau::cli
