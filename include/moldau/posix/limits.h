#pragma once
// What the system allows this process.

#include <cstddef>

namespace moldau::posix {

/// Raises the number of files that may be open to the most that is allowed; returns it.
std::size_t raise_file_limit();

}  // namespace moldau::posix
