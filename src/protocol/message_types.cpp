#include <moldau/protocol/message_types.h>

#include "message_type_of.h"

namespace moldau::protocol {

const MessageType* find_message_type(std::string_view name) {
    const auto types = all_message_types();
    const auto found = std::ranges::lower_bound(types, name, {}, &MessageType::name);
    return found != types.end() && found->name == name ? &*found : nullptr;
}

Result<> check_version(std::string_view name, std::int16_t version, std::int16_t lowest, std::int16_t highest) {
    if (version >= lowest && version <= highest) return {};
    return fail(Errc::unsupported, fmt::format("{} of version {}; {} to {} are known", name, version, lowest, highest));
}

}  // namespace moldau::protocol
