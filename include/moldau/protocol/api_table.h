#pragma once
// The APIs of Kafka's protocol: keys, names, versions and headers. Constant data, generated from src/protocol/schema.

#include <cstdint>
#include <span>
#include <string_view>

namespace moldau::protocol {

struct ApiInfo {
    std::int16_t key;
    std::string_view name;  ///< "Produce"
    std::int16_t min_version;
    std::int16_t max_version;              ///< the highest known
    std::int16_t stable_version;           ///< the highest that may be offered
    std::int16_t first_flexible_request;   ///< no_version when none is
    std::int16_t first_flexible_response;  ///< no_version when none is
    bool on_broker;
    bool on_controller;
};

inline constexpr std::int16_t no_version = 0x7fff;

/// In order of key.
std::span<const ApiInfo> all_apis();

/// Null when there is no API of that key.
const ApiInfo* find_api(std::int16_t key);

/// The versions of RequestHeader and ResponseHeader that go with a request. Requires: a known key.
/// ApiVersions is answered with header 0 always, since the client cannot know yet what the broker understands.
std::int16_t request_header_version(std::int16_t key, std::int16_t version);
std::int16_t response_header_version(std::int16_t key, std::int16_t version);

}  // namespace moldau::protocol
