#include "partition_reads.h"

namespace moldau::api {

node::FoundPartition find_partition(const Call& call, std::string_view topic, PartitionIndex index,
                                    Operation operation) {
    using protocol::ErrorCode;
    if (!call.allows(operation, ResourceType::topic, topic)) return {nullptr, ErrorCode::topic_authorization_failed};
    const node::View& view = call.shell.node.view(call.shard());
    const metadata::TopicPtr known = view.image->find_topic(topic);
    if (!known) return {nullptr, ErrorCode::unknown_topic_or_partition};
    return view.find(*known, index, call.shell.node.options().id);
}

}  // namespace moldau::api
