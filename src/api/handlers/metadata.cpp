// Metadata: brokers and topics as clients need them to find leaders; creates topics that are asked for, where allowed.

#include <algorithm>
#include <set>

#include <moldau/metadata/topic_name.h>
#include <moldau/node/brokers.h>
#include <moldau/protocol/messages/create_topics.h>
#include <moldau/protocol/messages/metadata.h>

#include "../authorized_operations.h"
#include "../handlers.h"
#include "../internal_topics.h"

namespace moldau::api {
namespace {

using protocol::ErrorCode;
using protocol::MetadataRequest;
using protocol::MetadataResponse;
using Topic = MetadataResponse::MetadataResponseTopic;

/// Since then null, not empty, stands for all topics.
constexpr std::int16_t first_version_with_null_for_all = 1;
constexpr std::int16_t first_version_by_id = 12;

/// All brokers that serve clients, as this listener tells them.
void add_brokers(const Call& call, const metadata::Image& image, MetadataResponse& response) {
    for (const auto& broker : node::brokers_at(image, call.peer().listener, node::Fenced::left_out)) {
        auto& told = response.brokers.emplace_back();
        told.node_id = broker.id;
        told.host = protocol::Text(broker.host);
        told.port = broker.port;
        if (broker.rack) told.rack = protocol::Text(*broker.rack);
    }
}

Topic describe(const Call& call, const node::View& view, const metadata::Topic& topic, bool operations) {
    Topic told;
    told.name = protocol::Text(topic.name);
    told.topic_id = topic.id;
    told.is_internal = metadata::is_internal_topic(topic.name);
    for (const auto& [index, partition] : topic.partitions) {
        auto& out = told.partitions.emplace_back();
        out.partition_index = index;
        out.leader_id = partition.leader;
        out.leader_epoch = partition.leader_epoch;
        out.replica_nodes = partition.replicas;
        out.isr_nodes = partition.isr;
        out.offline_replicas = view.offline_replicas(topic, index, call.shell.node.options().id);
        if (partition.leader == no_node) out.error_code = ErrorCode::leader_not_available;
    }
    if (operations) told.topic_authorized_operations = authorized_operations(call, ResourceType::topic, topic.name);
    return told;
}

Topic refused(ErrorCode error, std::optional<protocol::Text> name, const TopicId& id = {}) {
    Topic told;
    told.error_code = error;
    told.name = std::move(name);
    told.topic_id = id;
    return told;
}

bool may_describe(const Call& call, std::string_view name) {
    return call.allows(Operation::describe, ResourceType::topic, name);
}

/// Asks the controller for the topics; tells, by name, what the client is answered until they are there.
runtime::Task<std::map<std::string, ErrorCode>> create_missing(Call& call, const std::set<std::string>& names) {
    std::map<std::string, ErrorCode> answers;
    protocol::CreateTopicsRequest creation;
    for (const std::string& name : names) {
        if (!metadata::check_topic_name(name)) {
            answers[name] = ErrorCode::invalid_topic_exception;
            continue;
        }
        if (!call.allows(Operation::create, ResourceType::cluster, cluster_resource) &&
            !call.allows(Operation::create, ResourceType::topic, name)) {
            answers[name] = ErrorCode::topic_authorization_failed;
            continue;
        }
        if (metadata::is_internal_topic(name)) {
            // With the partitions and settings that its coordinator needs, once there is one.
            if (auto internal = creatable_internal_topic(name, call.shell.node.config(call.image()).broker())) {
                creation.topics.push_back(std::move(*internal));
            } else {
                answers[name] = ErrorCode::unknown_topic_or_partition;
            }
            continue;
        }
        auto& topic = creation.topics.emplace_back();
        topic.name = protocol::Text(name);
        topic.num_partitions = -1;
        topic.replication_factor = -1;
    }
    if (creation.topics.empty()) co_return answers;
    const auto created =
        co_await call.shell.node.controller().call(call.shard(), creation, node::ControllerDriver::default_patience);
    if (!created) {
        // Of the codes that say "ask again", the one that every client takes for that here.
        for (const auto& topic : creation.topics) answers[topic.name.str()] = ErrorCode::leader_not_available;
        co_return answers;
    }
    for (const auto& topic : created->topics) {
        // Once created it is told with its partitions; a rival may have been faster.
        const bool there = topic.error_code == ErrorCode::none || topic.error_code == ErrorCode::topic_already_exists;
        answers[topic.name.str()] = there ? ErrorCode::unknown_topic_or_partition : topic.error_code;
    }
    co_return answers;
}

}  // namespace

Answer<MetadataResponse> metadata(Call& call, MetadataRequest& request) {
    MetadataResponse response;
    const node::View first = call.shell.node.view(call.shard());
    response.cluster_id = protocol::Text(call.shell.node.cluster_id());
    response.controller_id = node::told_controller(*first.image);
    add_brokers(call, *first.image, response);
    if (request.include_cluster_authorized_operations)
        response.cluster_authorized_operations = authorized_operations(call, ResourceType::cluster, cluster_resource);

    const bool operations = request.include_topic_authorized_operations;
    const bool all = !request.topics || (call.version() < first_version_with_null_for_all && request.topics->empty());
    if (all) {
        for (const auto& [name, topic] : first.image->topics_by_name)
            if (may_describe(call, name)) response.topics.push_back(describe(call, first, *topic, operations));
        co_return response;
    }

    // These versions have fields for ids, which no broker takes there.
    const auto is_by_id = [](const auto& topic) { return !topic.name || !topic.topic_id.is_zero(); };
    if (call.version() < first_version_by_id && std::ranges::any_of(*request.topics, is_by_id)) {
        for (const auto& topic : *request.topics)
            response.topics.push_back(
                refused(ErrorCode::invalid_request, topic.name.value_or(protocol::Text()), topic.topic_id));
        co_return response;
    }

    // Asked by id or by name; each once, as in Kafka.
    std::set<TopicId> ids;
    std::set<std::string> names;
    for (const auto& topic : *request.topics) {
        if (!topic.topic_id.is_zero()) {
            ids.insert(topic.topic_id);
        } else if (topic.name) {
            names.insert(topic.name->str());
        }
    }
    for (const TopicId& id : ids) {
        const metadata::TopicPtr known = first.image->find_topic(id);
        if (known == nullptr) {
            response.topics.push_back(refused(ErrorCode::unknown_topic_id, std::nullopt, id));
        } else if (!may_describe(call, known->name)) {
            response.topics.push_back(refused(ErrorCode::topic_authorization_failed, std::nullopt, id));
        } else {
            response.topics.push_back(describe(call, first, *known, operations));
        }
    }
    std::set<std::string> missing;
    for (const std::string& name : names)
        if (!first.image->find_topic(std::string_view(name)) && may_describe(call, name)) missing.insert(name);
    std::map<std::string, ErrorCode> answers;
    const bool create =
        request.allow_auto_topic_creation && call.shell.node.config(*first.image).broker().auto_create_topics;
    if (create && !missing.empty()) {
        answers = co_await create_missing(call, missing);
    } else {
        for (const std::string& name : missing)
            answers[name] = metadata::check_topic_name(name) ? ErrorCode::unknown_topic_or_partition
                                                             : ErrorCode::invalid_topic_exception;
    }
    const node::View now = call.shell.node.view(call.shard());  // with what was created meanwhile
    for (const std::string& name : names) {
        if (!may_describe(call, name)) {
            response.topics.push_back(refused(ErrorCode::topic_authorization_failed, protocol::Text(name)));
        } else if (const metadata::TopicPtr known = now.image->find_topic(std::string_view(name))) {
            response.topics.push_back(describe(call, now, *known, operations));
        } else {
            // It may have been there, and was deleted while others were made.
            const auto answer = answers.try_emplace(name, ErrorCode::unknown_topic_or_partition).first;
            response.topics.push_back(refused(answer->second, protocol::Text(name)));
        }
    }
    co_return response;
}

}  // namespace moldau::api
