#pragma once
// Errors of system calls.

#include <string_view>

#include <moldau/base/result.h>

namespace moldau::posix {

/// "write /data/t-0/0.log: No space left on device", with the code that `number`, an errno, deserves.
Error system_error(int number, std::string_view action, std::string_view subject);

inline std::unexpected<Error> system_failure(int number, std::string_view action, std::string_view subject) {
    return std::unexpected(system_error(number, action, subject));
}

}  // namespace moldau::posix
