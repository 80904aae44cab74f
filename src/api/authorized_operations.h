#pragma once
// The bit field of operations that a principal may do, as Metadata and the Describe APIs tell it on demand.

#include "call.h"

namespace moldau::api {

/// What the field holds when it was not asked for.
inline constexpr std::int32_t operations_not_asked = std::numeric_limits<std::int32_t>::min();

/// A bit for each allowed operation that the resource type knows, by the operation's code.
std::int32_t authorized_operations(const Call& call, ResourceType type, std::string_view name);

}  // namespace moldau::api
