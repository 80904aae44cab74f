#include <moldau/base/assert.h>
#include <moldau/protocol/text.h>

namespace moldau::protocol {

void BorrowedOrOwned::own(ByteView bytes) {
    MOLDAU_ASSERT(bytes.size() <= UINT32_MAX);
    if (bytes.empty()) return;
    auto* copy = new std::uint8_t[bytes.size()];
    std::memcpy(copy, bytes.data(), bytes.size());
    data_ = copy;
    size_ = static_cast<std::uint32_t>(bytes.size());
    owned_ = true;
}

Text error_text(std::string_view message) {
    if (message.size() <= max_text_bytes) return Text(std::string(message));
    std::size_t end = max_text_bytes;
    const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80; };
    while (end > 0 && continues(message[end])) --end;  // no character is cut
    return Text(std::string(message.substr(0, end)));
}

}  // namespace moldau::protocol
