#include <csignal>

#include <moldau/posix/signals.h>

namespace moldau::posix {

bool is_ignored(int signal) {
    struct sigaction present{};
    return ::sigaction(signal, nullptr, &present) == 0 && present.sa_handler == SIG_IGN;
}

}  // namespace moldau::posix
