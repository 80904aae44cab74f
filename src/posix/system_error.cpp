#include "system_error.h"

#include <cerrno>
#include <system_error>

#include <fmt/format.h>

namespace moldau::posix {

namespace {
Errc code_of(int number) {
    switch (number) {
        case ENOENT:
            return Errc::not_found;
        case EEXIST:
            return Errc::exists;
        case ENOSPC:
        case EDQUOT:
        case EFBIG:  // a limit on files' sizes (ulimit -f): other files may still grow
            return Errc::no_space;
        case EMFILE:
        case ENFILE:
            return Errc::no_descriptors;
        case EAGAIN:
            return Errc::would_block;
        case EPIPE:
        case ECONNRESET:
        case ECONNABORTED:
        case ENOTCONN:
        case EBADF:  // asked of a stream that we closed
        case ECANCELED:
            return Errc::closed;
        case ETIMEDOUT:
            return Errc::timed_out;
        default:
            return Errc::io;
    }
}
}  // namespace

Error system_error(int number, std::string_view action, std::string_view subject) {
    const Errc code = code_of(number);
    return Error{code, fmt::format("{} {}: {}{}", action, subject, std::system_category().message(number),
                                   code == Errc::no_descriptors ? " (raise the limit, ulimit -n)" : "")};
}

}  // namespace moldau::posix
