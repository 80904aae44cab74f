#include <array>
#include <cstring>
#include <poll.h>
#include <unistd.h>

#include <moldau/posix/log_output.h>

namespace moldau::posix {

namespace {

/// What a pipe with room takes without waiting.
constexpr std::size_t max_line_bytes = 4096;

}  // namespace

bool write_line(int descriptor, std::string_view line) {
    pollfd output{.fd = descriptor, .events = POLLOUT, .revents = 0};
    if (::poll(&output, 1, 0) != 1 || (output.revents & POLLOUT) == 0) return false;
    if (line.size() <= max_line_bytes)
        return ::write(descriptor, line.data(), line.size()) == static_cast<ssize_t>(line.size());
    constexpr std::string_view cut = "...\n";
    std::array<char, max_line_bytes> shorter;
    const std::size_t kept = shorter.size() - cut.size();
    std::memcpy(shorter.data(), line.data(), kept);
    std::memcpy(shorter.data() + kept, cut.data(), cut.size());
    return ::write(descriptor, shorter.data(), shorter.size()) == static_cast<ssize_t>(shorter.size());
}

}  // namespace moldau::posix
