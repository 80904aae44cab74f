#include <fmt/format.h>

#include <moldau/base/result.h>

namespace moldau {

std::string_view to_string(Errc code) {
    switch (code) {
        case Errc::invalid:
            return "invalid";
        case Errc::corrupt:
            return "corrupt";
        case Errc::not_found:
            return "not found";
        case Errc::exists:
            return "exists";
        case Errc::io:
            return "i/o failure";
        case Errc::no_space:
            return "no space";
        case Errc::no_descriptors:
            return "no descriptors";
        case Errc::would_block:
            return "would block";
        case Errc::closed:
            return "closed";
        case Errc::timed_out:
            return "timed out";
        case Errc::unsupported:
            return "unsupported";
    }
    return "unknown";
}

Error Error::within(std::string_view context) && {
    message = fmt::format("{}: {}", context, message);
    return std::move(*this);
}

}  // namespace moldau
