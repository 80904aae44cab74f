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

}  // namespace moldau::protocol
