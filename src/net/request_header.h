#pragma once
// The header of a request, versions 1 and 2: api key, api version, correlation id, client id, in version 2 tags.

#include <moldau/net/service.h>

namespace moldau::net {

/// Fills everything of `request` that its frame's header tells. Errc::invalid for bytes that are no header, or an API
/// that does not exist (Kafka closes the connection too).
Result<> parse_request_header(Request& request);

}  // namespace moldau::net
