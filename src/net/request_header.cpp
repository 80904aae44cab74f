#include "request_header.h"

#include <moldau/protocol/api_table.h>
#include <moldau/protocol/reader.h>

namespace moldau::net {

Result<> parse_request_header(Request& request) {
    protocol::Reader reader(request.frame);
    request.api_key = reader.integer<std::int16_t>();
    request.api_version = reader.integer<std::int16_t>();
    request.correlation_id = reader.integer<std::int32_t>();
    if (reader.ok() && protocol::find_api(request.api_key) == nullptr)
        return fail(Errc::invalid, fmt::format("there is no API of key {}", request.api_key));
    // The client id's length has 16 bits in both versions.
    const auto client_id = reader.text_length(false);
    if (!client_id.null) request.client_id = text_of(reader.bytes(client_id.value));
    if (reader.ok() && protocol::request_header_version(request.api_key, request.api_version) >= 2) reader.skip_tags();
    if (!reader.ok()) return fail(Errc::invalid, "a request's header: " + reader.error());
    request.body_at = reader.position();
    return {};
}

}  // namespace moldau::net
