#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <moldau/base/assert.h>
#include <moldau/posix/console.h>
#include <moldau/posix/signals.h>

#include "system_error.h"

namespace moldau::posix {

namespace {

// A handler of signals can reach nothing but globals.
std::atomic<int> signal_wake = -1;
std::atomic<std::int64_t> first_signal_ns = 0;

void wake(int event) {
    const std::uint64_t one = 1;
    // Fails only when it is awake already.
    [[maybe_unused]] const ssize_t written = ::write(event, &one, sizeof one);
}

void on_signal(int number) {
    const int saved = errno;
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    const std::int64_t now_ns = time.tv_sec * 1'000'000'000 + time.tv_nsec;
    std::int64_t first_ns = 0;
    if (first_signal_ns.compare_exchange_strong(first_ns, now_ns)) {
        wake(signal_wake);
    } else if (now_ns - first_ns >= std::chrono::nanoseconds(same_end_time).count()) {
        std::signal(number, SIG_DFL);
        ::raise(number);  // once this returns
    }
    errno = saved;
}

constexpr int ends[] = {SIGINT, SIGTERM, SIGHUP};

/// A descriptor that was never open for this is a failure; Errc::closed is for what ended in the midst.
Error failure_of(int number, std::string_view action, std::string_view subject) {
    Error error = system_error(number, action, subject);
    if (error.code == Errc::closed) error.code = Errc::io;
    return error;
}

}  // namespace

void fill_standard_descriptors() {
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(descriptor, F_GETFD) >= 0) continue;
        // The lowest number that is free, hence this one. A root without /dev has itself.
        // Opened the wrong way round: using it fails.
        if (::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
            (void)::open("/", O_RDONLY | O_DIRECTORY);
    }
}

Console::Console()
    : input_end_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), interrupt_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    MOLDAU_ASSERT(input_end_ >= 0 && interrupt_ >= 0);
}

Console::~Console() {
    if (signal_wake == interrupt_)
        for (const int number : ends)
            if (!is_ignored(number)) std::signal(number, SIG_DFL);
    end_listening();
    signal_wake = -1;
    first_signal_ns = 0;
    ::close(input_end_);
    ::close(interrupt_);
}

Result<std::size_t> Console::read_input(MutableBytes into) {
    while (true) {
        pollfd waits[] = {{STDIN_FILENO, POLLIN, 0}, {input_end_, POLLIN, 0}, {interrupt_, POLLIN, 0}};
        if (::poll(waits, 3, -1) < 0) {
            if (errno == EINTR) continue;
            return std::unexpected(failure_of(errno, "wait for", "standard input"));
        }
        if (waits[1].revents != 0 || waits[2].revents != 0) return fail(Errc::closed, "the input was ended");
        const ssize_t count = ::read(STDIN_FILENO, into.data(), into.size());
        if (count >= 0) return static_cast<std::size_t>(count);
        if (errno != EINTR && errno != EAGAIN) return std::unexpected(failure_of(errno, "read", "standard input"));
    }
}

Result<> Console::write_output(ByteView bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
        if (count >= 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(count));
        } else if (errno == EAGAIN) {
            pollfd wait{STDOUT_FILENO, POLLOUT, 0};
            ::poll(&wait, 1, -1);
        } else if (errno == EPIPE) {
            return fail(Errc::closed, "nobody reads standard output any more");
        } else if (errno != EINTR) {
            return std::unexpected(failure_of(errno, "write", "standard output"));
        }
    }
    return {};
}

void Console::write_error(std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::write(STDERR_FILENO, text.data(), text.size());
        if (count < 0 && errno != EINTR) return;  // there is nowhere left to complain
        if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
    }
}

bool Console::input_is_terminal() const {
    return ::isatty(STDIN_FILENO) == 1;
}
bool Console::output_is_terminal() const {
    return ::isatty(STDOUT_FILENO) == 1;
}
bool Console::error_is_terminal() const {
    return ::isatty(STDERR_FILENO) == 1;
}

void Console::end_input() {
    wake(input_end_);
}

void Console::on_interrupt(std::function<void()> callback) {
    MOLDAU_ASSERT(!listener_.joinable());
    signal_wake = interrupt_;
    listener_ = std::thread([this, callback = std::move(callback)] {
        pollfd wait{interrupt_, POLLIN, 0};
        while (::poll(&wait, 1, -1) < 0 && errno == EINTR) {
        }
        if (!ending_) callback();
    });
    struct sigaction action{};
    action.sa_handler = on_signal;
    for (const int number : ends)
        if (number != SIGHUP || !is_ignored(number)) ::sigaction(number, &action, nullptr);
}

void Console::on_output_closed(std::function<void()> callback) {
    MOLDAU_ASSERT(!output_watcher_.joinable());
    output_watcher_ = std::thread([this, callback = std::move(callback)] {
        // Nothing is asked for: that the other end is gone is always told.
        pollfd waits[] = {{STDOUT_FILENO, 0, 0}, {interrupt_, POLLIN, 0}};
        while (::poll(waits, 2, -1) < 0 && errno == EINTR) {
        }
        if (waits[1].revents == 0 && (waits[0].revents & (POLLERR | POLLHUP)) != 0) callback();
    });
}

void Console::end_listening() {
    if (!listener_.joinable() && !output_watcher_.joinable()) return;
    ending_ = true;
    wake(interrupt_);
    for (std::thread* thread : {&listener_, &output_watcher_})
        if (thread->joinable()) thread->join();
}

}  // namespace moldau::posix
