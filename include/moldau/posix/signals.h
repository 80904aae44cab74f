#pragma once
// What the signals that end a process mean.

#include <chrono>

namespace moldau::posix {

/// Those within this time of the first are the same end: a shell's job and programs like `timeout` may tell it twice.
inline constexpr std::chrono::milliseconds same_end_time(500);

/// nohup has SIGHUP ignored, and means it.
bool is_ignored(int signal);

}  // namespace moldau::posix
