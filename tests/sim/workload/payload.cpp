#include "payload.h"

#include <moldau/base/crc32c.h>

namespace moldau::sim {
namespace {

// checksum u32 of what follows, producer u32, number u64, acks i16, idempotent u8, deletes u8, key u32, filling
constexpr std::size_t header_bytes = 24;

}  // namespace

Bytes encode_payload(const Payload& payload, std::size_t size_bytes) {
    Bytes value(std::max(size_bytes, header_bytes));
    store_big_endian(value.data() + 4, payload.id.producer);
    store_big_endian(value.data() + 8, payload.id.number);
    store_big_endian(value.data() + 16, static_cast<std::int16_t>(payload.acks));
    value[18] = payload.idempotent ? 1 : 0;
    value[19] = payload.deletes ? 1 : 0;
    store_big_endian(value.data() + 20, payload.key);
    for (std::size_t i = header_bytes; i < value.size(); ++i)
        value[i] = static_cast<std::uint8_t>(payload.id.number * 31 + i * (payload.id.producer + 7));
    store_big_endian(value.data(), crc32c(ByteView(value).subspan(4)));
    return value;
}

std::optional<Payload> decode_payload(ByteView bytes) {
    if (bytes.size() < header_bytes) return std::nullopt;
    if (load_big_endian<std::uint32_t>(bytes.data()) != crc32c(bytes.subspan(4))) return std::nullopt;
    Payload payload;
    payload.id.producer = load_big_endian<std::uint32_t>(bytes.data() + 4);
    payload.id.number = load_big_endian<std::uint64_t>(bytes.data() + 8);
    payload.acks = static_cast<Acks>(load_big_endian<std::int16_t>(bytes.data() + 16));
    payload.idempotent = bytes[18] != 0;
    payload.deletes = bytes[19] != 0;
    payload.key = load_big_endian<std::uint32_t>(bytes.data() + 20);
    return payload;
}

}  // namespace moldau::sim
