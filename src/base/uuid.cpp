#include <moldau/base/uuid.h>

namespace moldau {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace

std::string Uuid::to_string() const {
    std::string text;
    text.reserve(22);
    std::uint32_t pending = 0;
    int bits = 0;
    for (std::uint8_t byte : bytes) {
        pending = (pending << 8) | byte;
        for (bits += 8; bits >= 6; bits -= 6) text += alphabet[(pending >> (bits - 6)) & 63];
    }
    text += alphabet[(pending << (6 - bits)) & 63];
    return text;
}

std::optional<Uuid> Uuid::parse(std::string_view text) {
    if (text.size() == 24 && text.ends_with("==")) text.remove_suffix(2);
    if (text.size() != 22) return std::nullopt;
    Uuid id;
    std::size_t at = 0;
    std::uint32_t pending = 0;
    int bits = 0;
    for (char c : text) {
        const std::size_t digit = alphabet.find(c);
        if (digit == std::string_view::npos) return std::nullopt;
        pending = (pending << 6) | static_cast<std::uint32_t>(digit);
        bits += 6;
        if (bits >= 8 && at < id.bytes.size()) {
            bits -= 8;
            id.bytes[at++] = static_cast<std::uint8_t>(pending >> bits);
        }
    }
    return id;
}

}  // namespace moldau
