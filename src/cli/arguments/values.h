#pragma once
// Reads the values of flags. Pure; errors name the value and the forms that are understood.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <moldau/base/result.h>
#include <moldau/runtime/time.h>
#include <moldau/runtime/transport.h>

#include "plans.h"

namespace moldau::cli {

/// "host", "host:port", "[::1]:9092", several with commas between. The port is 9092 where none is named.
Result<std::vector<runtime::Endpoint>> parse_endpoints(std::string_view text);

/// "key=value"; the value may hold further '='.
Result<std::pair<std::string, std::string>> parse_key_value(std::string_view text);

/// "250ms", "30s", "5m", "1h", "0": no other number goes without a unit, of which each user would think another.
Result<runtime::Duration> parse_duration(std::string_view text);

/// The same, but not 0: for how long to try.
Result<runtime::Duration> parse_timeout(std::string_view text);

/// "latest", "earliest", N, or -N for the last N records.
Result<StartPosition> parse_start_offset(std::string_view text);

/// Milliseconds since 1970, or "2026-01-31", "2026-01-31T10:20", "2026-01-31T10:20:30.5Z", "…+02:00"; without a zone:
/// UTC.
Result<std::int64_t> parse_time_ms(std::string_view text);

/// "64KiB", "1MiB", "1000": a number of bytes.
Result<std::size_t> parse_size(std::string_view text);

/// Escapes \n \t \r \0 \\ \xHH as the bytes that they name. A backslash at the end is one.
Result<std::string> unescape(std::string_view text);

}  // namespace moldau::cli
