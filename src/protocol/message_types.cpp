#include <moldau/protocol/message_types.h>

namespace moldau::protocol {

const MessageType* find_message_type(std::string_view name) {
    const auto types = all_message_types();
    const auto found = std::ranges::lower_bound(types, name, {}, &MessageType::name);
    return found != types.end() && found->name == name ? &*found : nullptr;
}

}  // namespace moldau::protocol
