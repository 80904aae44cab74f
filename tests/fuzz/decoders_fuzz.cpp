// Every decoder of messages and records on any bytes: nothing but an error or a message may come of them, and what was
// decoded and encoded again must decode to the same. Input: two bytes choose the message, one its version.

#include <moldau/base/assert.h>
#include <moldau/base/bytes.h>
#include <moldau/protocol/message_types.h>
#include <moldau/protocol/records/metadata_record.h>

using namespace moldau;
using namespace moldau::protocol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView input(data, size);
    if (input.size() < 3) return 0;
    (void)decode_metadata_record(input.subspan(3));

    const auto types = all_message_types();
    const MessageType& type = types[load_big_endian<std::uint16_t>(data) % types.size()];
    const int versions = type.max_version - type.min_version + 1;
    const auto version = static_cast<std::int16_t>(type.min_version + data[2] % versions);

    const auto encoded = type.recode(input.subspan(3), version);
    if (!encoded) return 0;
    const auto first = type.describe(input.subspan(3), version);
    const auto second = type.describe(*encoded, version);
    MOLDAU_ASSERT(first.has_value() && second.has_value() && *first == *second);
    const auto again = type.recode(*encoded, version);
    MOLDAU_ASSERT(again.has_value() && *again == *encoded);
    return 0;
}
