#pragma once
// Every message and record by name: for tests, fuzzing and tools that show what they are given. In
// moldau_protocol_json.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <moldau/base/bytes.h>
#include <moldau/base/result.h>

namespace moldau::protocol {

struct MessageType {
    std::string_view name;  ///< "FetchRequest", "RegisterBrokerRecord"
    std::int16_t min_version;
    std::int16_t max_version;
    /// Decodes `bytes`, which must be the message and nothing more, and encodes it again.
    Result<Bytes> (*recode)(ByteView bytes, std::int16_t version);
    /// Decodes, and prints JSON.
    Result<std::string> (*describe)(ByteView bytes, std::int16_t version);
    /// Prints a message whose fields hold their defaults.
    std::string (*describe_initial)(std::int16_t version);
};

/// In order of name.
std::span<const MessageType> all_message_types();

/// Null when there is none of that name.
const MessageType* find_message_type(std::string_view name);

}  // namespace moldau::protocol
