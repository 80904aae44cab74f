#pragma once
// The topics in which coordinators keep their state: made when they are first needed.

#include <optional>
#include <string_view>

#include <moldau/metadata/configs.h>
#include <moldau/protocol/messages/create_topics.h>

#include "call.h"

namespace moldau::api {

/// With the partitions, replicas and settings that its coordinator needs; nothing where that is not there yet.
std::optional<protocol::CreateTopicsRequest::CreatableTopic> creatable_internal_topic(
    std::string_view name, const metadata::BrokerConfig& config);

/// Has the controller make the topic; none when it is there, or was made by another meanwhile.
runtime::Task<protocol::ErrorCode> create_internal_topic(Call& call, std::string_view name);

}  // namespace moldau::api
