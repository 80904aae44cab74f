#pragma once
// Standard input, output and error, and the signals that ask a command to end. Owned by main, one a process.

#include <atomic>
#include <functional>
#include <string_view>
#include <thread>

#include <moldau/base/bytes.h>
#include <moldau/base/result.h>

namespace moldau::posix {

/// Gives 0, 1 and 2 to nothing where they were closed, so that no file of ours gets these numbers: reading ends at
/// once, writing fails as before. The first thing that main does.
void fill_standard_descriptors();

class Console {
 public:
    Console();
    Console(const Console&) = delete;
    Console& operator=(const Console&) = delete;
    ~Console();

    /// Waits until there is something; returns the bytes read, 0 at the end. Errc::closed after end_input() and after a
    /// signal that somebody listens for.
    Result<std::size_t> read_input(MutableBytes into);
    /// Writes all, waiting where the reader is slow. Errc::closed when the reader is gone.
    Result<> write_output(ByteView bytes);
    void write_error(std::string_view text);

    bool input_is_terminal() const;
    bool output_is_terminal() const;
    bool error_is_terminal() const;

    /// Lets read_input() fail from now on, also one that waits. From any thread.
    void end_input();

    /// Calls `callback`, on a thread of its own, at the first SIGINT, SIGTERM or SIGHUP; another one
    /// half a second later or more ends the process.
    /// Requires: not called before.
    void on_interrupt(std::function<void()> callback);

    /// Calls `callback`, on a thread of its own, once nobody reads standard output any more: it is a pipe or a socket
    /// whose other end is closed. Not after an interrupt. Requires: not called before.
    void on_output_closed(std::function<void()> callback);

    /// No callback is called any more, nor still running, once this returns. Nothing is read from then on.
    void end_listening();

 private:
    // eventfds that are written to once and stay readable
    int input_end_;
    int interrupt_;  // by a signal, or by end_listening()
    std::atomic<bool> ending_ = false;
    std::thread listener_;        // running when somebody listens
    std::thread output_watcher_;  // the same
};

}  // namespace moldau::posix
