#include <moldau/runtime/random.h>

namespace moldau::runtime {

Uuid Random::uuid() {
    for (;;) {
        Uuid id = Uuid::from_halves(next(), next());
        id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | 0x40);  // version 4
        id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);  // variant of RFC 4122
        if (id.to_string().front() != '-') return id;
    }
}

}  // namespace moldau::runtime
