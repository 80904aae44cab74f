#pragma once
// The frame of a record that may be of several types: frame version, key and version, each an unsigned varint, then the
// record's body. For generated code.

#include <cstdint>

#include <moldau/base/bytes.h>
#include <moldau/base/result.h>
#include <moldau/protocol/reader.h>
#include <moldau/protocol/writer.h>

namespace moldau::protocol {

struct RecordFrame {
    std::uint32_t key;
    std::uint32_t version;
    ByteView body;
};

inline Result<RecordFrame> open_frame(ByteView bytes, std::uint32_t expected_frame_version) {
    Reader reader(bytes);
    const std::uint32_t frame_version = reader.uvarint();
    if (reader.ok() && frame_version != expected_frame_version)
        return fail(Errc::unsupported, fmt::format("a record in a frame of version {}; only {} is known", frame_version,
                                                   expected_frame_version));
    const std::uint32_t key = reader.uvarint();
    const std::uint32_t version = reader.uvarint();
    if (!reader.ok()) return fail(Errc::invalid, "the frame of a record: " + reader.error());
    return RecordFrame{.key = key, .version = version, .body = bytes.subspan(reader.position())};
}

inline void write_frame(Writer& writer, std::uint32_t frame_version, std::int16_t key, std::int16_t version) {
    writer.uvarint(frame_version);
    writer.uvarint(static_cast<std::uint32_t>(key));
    writer.uvarint(static_cast<std::uint32_t>(version));
}

template <class Variant, class T>
Result<Variant> framed(const RecordFrame& frame) {
    if (std::cmp_less(frame.version, T::min_version) || std::cmp_greater(frame.version, T::max_version))
        return fail(Errc::unsupported, fmt::format("a {} of version {}; {} to {} are known", T::message_name,
                                                   frame.version, T::min_version, T::max_version));
    Reader reader(frame.body);
    Variant result(std::in_place_type<T>);
    std::get<T>(result).read_from(reader, static_cast<std::int16_t>(frame.version));
    MOLDAU_CHECK(reader.finish(T::message_name));
    return result;
}

}  // namespace moldau::protocol
