#pragma once
// Lines to a descriptor that others read, or do not.

#include <string_view>

namespace moldau::posix {

/// Writes the line, or as much of it as a pipe with room takes at once, where that need not wait for a reader: a broker
/// does not stand still because somebody has stopped its pager. False when the line was dropped, or could not be
/// written. Not for two threads at once.
bool write_line(int descriptor, std::string_view line);

}  // namespace moldau::posix
