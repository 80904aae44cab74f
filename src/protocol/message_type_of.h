#pragma once
// Entries of the table of message types (message_types.h); for generated code.

#include <moldau/protocol/message_types.h>
#include <moldau/protocol/reader.h>
#include <moldau/protocol/writer.h>

namespace moldau::protocol {

/// Errc::unsupported unless `version` is one from `lowest` to `highest`.
Result<> check_version(std::string_view name, std::int16_t version, std::int16_t lowest, std::int16_t highest);

template <class T>
MessageType message_type_of() {
    static constexpr auto decode_whole = [](ByteView bytes, std::int16_t version, T& message) -> Result<> {
        MOLDAU_CHECK(check_version(T::message_name, version, T::min_version, T::max_version));
        Reader reader(bytes);
        message.read_from(reader, version);
        return reader.finish(T::message_name);
    };
    return {
        .name = T::message_name,
        .min_version = T::min_version,
        .max_version = T::max_version,
        .recode = [](ByteView bytes, std::int16_t version) -> Result<Bytes> {
            T message;
            MOLDAU_CHECK(decode_whole(bytes, version, message));
            Writer writer;
            message.encode(writer, version);
            return writer.take();
        },
        .describe = [](ByteView bytes, std::int16_t version) -> Result<std::string> {
            T message;
            MOLDAU_CHECK(decode_whole(bytes, version, message));
            return to_json(message, version);
        },
        .describe_initial = [](std::int16_t version) { return to_json(T{}, version); },
    };
}

}  // namespace moldau::protocol
