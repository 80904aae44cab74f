#pragma once
// Records that an image keeps as bytes: their encoding, and the key under which one replaces another.

#include <string>

#include <moldau/base/bytes.h>
#include <moldau/protocol/records/metadata_record.h>
#include <moldau/protocol/writer.h>

namespace moldau::metadata {

/// These records have version 0 alone.
inline Bytes raw_bytes(const protocol::MetadataRecord& record) {
    protocol::Writer writer;
    protocol::encode_metadata_record(record, 0, writer);
    return writer.take();
}

/// Entity and quota: the record without its value.
inline std::string raw_key(protocol::ClientQuotaRecord record) {
    record.value = 0;
    record.remove = false;
    const Bytes bytes = raw_bytes(record);
    return std::string(text_of(bytes));
}

inline std::string raw_key(const Uuid& id) {
    return std::string(text_of(id.bytes));
}

inline std::string raw_key(std::string_view user, std::int8_t mechanism) {
    return std::string(user) + '\0' + static_cast<char>(mechanism);
}

}  // namespace moldau::metadata
