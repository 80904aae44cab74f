#pragma once
// Errors of system calls, and what is none.

#include <cerrno>
#include <string_view>

#include <moldau/base/result.h>

namespace moldau::posix {

/// "write /data/t-0/0.log: No space left on device", with the code that `number`, an errno, deserves.
Error system_error(int number, std::string_view action, std::string_view subject);

inline std::unexpected<Error> system_failure(int number, std::string_view action, std::string_view subject) {
    return std::unexpected(system_error(number, action, subject));
}

/// A sync that failed, for want of room or not: what it was to write may be gone, and no later success proves
/// otherwise.
inline std::unexpected<Error> sync_failure(int number, std::string_view action, std::string_view subject) {
    Error error = system_error(number, action, subject);
    error.code = Errc::io;
    return std::unexpected(std::move(error));
}

/// Calls again what a signal interrupted: some file systems let that happen to calls that need not wait.
template <class F>
auto uninterrupted(F call) {
    auto result = call();
    while (result < 0 && errno == EINTR) result = call();
    return result;
}

}  // namespace moldau::posix
