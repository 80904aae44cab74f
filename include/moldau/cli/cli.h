#pragma once
// The entry of every command but `broker`, and the ports that main hands in. run() parses, starts only what the command
// needs (`storage random-uuid` starts no thread), and returns the exit code.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <moldau/base/bytes.h>
#include <moldau/base/result.h>
#include <moldau/runtime/disk.h>
#include <moldau/runtime/random.h>
#include <moldau/runtime/shard.h>
#include <moldau/runtime/transport.h>

namespace moldau::cli {

/// What a command returns to the shell; part of the documented interface.
enum class ExitCode : int {
    ok = 0,
    failed = 1,          ///< the command ran and did not succeed, wholly or in part
    usage = 2,           ///< the command line is wrong; nothing was done
    cannot_connect = 3,  ///< no bootstrap broker could be reached
    not_found = 4,       ///< no such topic, broker, key, directory
    exists = 5,          ///< it is there already
    denied = 6,          ///< not authenticated or not authorized
    timed_out = 7,       ///< no answer in time; what was asked may still happen
};

/// Standard input, output and error. Thread-safe between the three; each is used by one thread at a time.
class Terminal {
 public:
    virtual ~Terminal() = default;
    /// Waits until there is something; returns the bytes read, 0 at the end. Errc::closed after end_input()
    /// and after an interrupt that somebody listens for.
    virtual Result<std::size_t> read_input(MutableBytes into) = 0;
    /// Lets read_input() end with Errc::closed from now on, also one that waits. From any thread.
    virtual void end_input() = 0;
    /// Writes all. Errc::closed when the reader is gone.
    virtual Result<> write_output(ByteView bytes) = 0;
    /// Why some of the output could not be written; nothing where it could, or the reader was gone.
    virtual const std::optional<Error>& output_failure() const = 0;
    virtual void write_error(std::string_view text) = 0;
    virtual bool input_is_terminal() const = 0;
    virtual bool output_is_terminal() const = 0;
    virtual bool error_is_terminal() const = 0;
};

/// What a command that talks to brokers runs in.
struct OnlineWorld {
    runtime::Shard& shard;
    runtime::Disk& disk;  ///< for its I/O pool
    runtime::Transport& transport;
    Terminal& terminal;
    /// Has `callback` run on the shard at the first SIGINT, SIGTERM or SIGHUP; a later one, and any without it, ends
    /// the process. Set it again to replace it.
    std::function<void(std::function<void()> callback)> on_interrupt;
    /// Has `callback` run on the shard once nobody reads the output any more. Set it again to replace it.
    std::function<void(std::function<void()> callback)> on_output_closed;
};

/// Made by main; makes the parts of the world when they are first asked for.
class Environment {
 public:
    virtual ~Environment() = default;
    virtual std::optional<std::string> variable(const std::string& name) = 0;
    virtual Terminal& terminal() = 0;
    virtual runtime::Random& random() = 0;
    virtual runtime::Clock& clock() = 0;
    virtual runtime::Disk& disk() = 0;
    /// Starts one shard, runs the coroutine that `command` returns on it, and ends the shard.
    virtual ExitCode run_online(std::function<runtime::Task<ExitCode>(OnlineWorld&)> command) = 0;
};

/// `arguments[0]` is the name that the program was called by. Requires: at least that.
ExitCode run(int count, const char* const* arguments, Environment& environment);

}  // namespace moldau::cli
