#pragma once
// Entries of the table of message types (message_types.h); for generated code.

#include <moldau/protocol/message_types.h>
#include <moldau/protocol/reader.h>
#include <moldau/protocol/writer.h>

namespace moldau::protocol {

template <class T>
Result<T> decode_whole(ByteView bytes, std::int16_t version) {
    if (version < T::min_version || version > T::max_version)
        return fail(Errc::unsupported, fmt::format("{} of version {}; {} to {} are known", T::message_name, version,
                                                   T::min_version, T::max_version));
    Reader reader(bytes);
    T message = T::decode(reader, version);
    MOLDAU_CHECK(reader.finish(T::message_name));
    return message;
}

template <class T>
MessageType message_type_of() {
    return {
        .name = T::message_name,
        .min_version = T::min_version,
        .max_version = T::max_version,
        .recode = [](ByteView bytes, std::int16_t version) -> Result<Bytes> {
            MOLDAU_TRY(message, decode_whole<T>(bytes, version));
            Writer writer;
            message.encode(writer, version);
            return writer.take();
        },
        .describe = [](ByteView bytes, std::int16_t version) -> Result<std::string> {
            MOLDAU_TRY(message, decode_whole<T>(bytes, version));
            return to_json(message, version);
        },
    };
}

}  // namespace moldau::protocol
