#include "encode_records.h"

#include <moldau/protocol/writer.h>

namespace moldau::node {

std::vector<Bytes> encode_records(std::span<const metadata::VersionedRecord> records) {
    std::vector<Bytes> values;
    values.reserve(records.size());
    for (const auto& [record, version] : records) {
        protocol::Writer writer;
        protocol::encode_metadata_record(record, version, writer);
        values.push_back(writer.take());
    }
    return values;
}

}  // namespace moldau::node
