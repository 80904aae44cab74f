#pragma once
// Java's format of properties files, as server.properties is written: key, then '=', ':' or a space, then value;
// backslash escapes and continued lines; '#' and '!' begin comments.

#include <map>
#include <string>
#include <string_view>

#include <moldau/base/result.h>

namespace moldau::metadata {

using Properties = std::map<std::string, std::string, std::less<>>;

/// The last of several lines of one key counts. Errc::invalid naming the line of a broken \u escape.
Result<Properties> parse_properties(std::string_view text);

}  // namespace moldau::metadata
