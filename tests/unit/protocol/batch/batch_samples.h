#pragma once
// Batches that several tests start from.

#include <string>
#include <vector>

#include <moldau/protocol/batch_builder.h>

namespace moldau::protocol::samples {

inline std::optional<ByteView> text(std::string_view content) {
    return bytes_of(content);
}

/// `count` records k0 → v0, k1 → v1, …, timestamps 1000, 1001, …; the second has two headers, one of them null.
inline Bytes batch_of(std::int32_t count, BatchOptions options = {}) {
    Compressor compressor;
    BatchBuilder builder(options);
    for (std::int32_t i = 0; i < count; ++i) {
        const std::string key = "k" + std::to_string(i);
        const std::string value = "v" + std::to_string(i);
        std::vector<HeaderView> headers;
        if (i == 1) headers = {{"trace", text("abc")}, {"none", std::nullopt}};
        builder.append({.timestamp = Timestamp(1000 + i), .key = text(key), .value = text(value), .headers = headers});
    }
    return builder.finish(compressor);
}

inline BatchView view_of(const Bytes& batch) {
    return BatchView(batch);
}

/// Overwrites a header field, and makes the checksum right again.
template <class T>
void set_field(Bytes& batch, std::size_t position, T value) {
    store_big_endian(batch.data() + position, value);
    store_big_endian(batch.data() + batch_layout::crc, BatchView(batch).computed_crc());
}

inline constexpr Codec all_codecs[] = {Codec::none, Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd};

}  // namespace moldau::protocol::samples
