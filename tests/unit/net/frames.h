#pragma once
// Requests as clients send them, for tests: size, header version 1 and a body.

#include <moldau/net/service.h>

namespace moldau::net {

inline constexpr std::int16_t produce_key = 0;
inline constexpr std::int16_t fetch_key = 1;
inline constexpr std::int16_t list_offsets_key = 2;
inline constexpr std::int16_t metadata_key = 3;
inline constexpr std::int16_t api_versions_key = 18;

template <class T>
void append_integer(Bytes& to, T value) {
    to.resize(to.size() + sizeof(T));
    store_big_endian(to.data() + to.size() - sizeof(T), value);
}

inline void append(Bytes& to, ByteView bytes) {
    to.insert(to.end(), bytes.begin(), bytes.end());
}

/// `version` must be one whose header is not flexible.
inline Bytes request_frame(std::int16_t api_key, std::int32_t correlation_id, ByteView body = {},
                           std::int16_t version = 0) {
    const std::string_view client_id = "test";
    Bytes frame;
    append_integer(frame, static_cast<std::int32_t>(2 + 2 + 4 + 2 + client_id.size() + body.size()));
    append_integer(frame, api_key);
    append_integer(frame, version);
    append_integer(frame, correlation_id);
    append_integer(frame, static_cast<std::int16_t>(client_id.size()));
    append(frame, bytes_of(client_id));
    append(frame, body);
    return frame;
}

/// An answer of header version 0.
inline Bytes answer_frame(std::int32_t correlation_id, ByteView body = {}) {
    Bytes frame;
    append_integer(frame, static_cast<std::int32_t>(4 + body.size()));
    append_integer(frame, correlation_id);
    append(frame, body);
    return frame;
}

}  // namespace moldau::net
