#include <cstdlib>
#include <future>

#include <moldau/cli/posix_environment.h>
#include <moldau/posix/console.h>
#include <moldau/posix/disk.h>
#include <moldau/posix/shards.h>
#include <moldau/posix/transport.h>
#include <moldau/runtime/async.h>

namespace moldau::cli {

namespace {

class PosixTerminal final : public Terminal {
 public:
    Result<std::size_t> read_input(MutableBytes into) override { return console_.read_input(into); }
    void end_input() override { console_.end_input(); }
    Result<> write_output(ByteView bytes) override {
        Result<> written = console_.write_output(bytes);
        if (!written && written.error().code != Errc::closed) output_failure_ = written.error();
        return written;
    }
    const std::optional<Error>& output_failure() const override { return output_failure_; }
    void write_error(std::string_view text) override { console_.write_error(text); }
    bool input_is_terminal() const override { return console_.input_is_terminal(); }
    bool output_is_terminal() const override { return console_.output_is_terminal(); }
    bool error_is_terminal() const override { return console_.error_is_terminal(); }

    posix::Console& console() { return console_; }

 private:
    posix::Console console_;
    std::optional<Error> output_failure_;
};

using OnlineCommand = std::function<runtime::Task<ExitCode>(OnlineWorld&)>;

runtime::Task<void> run_and_tell(const OnlineCommand& command, OnlineWorld& world, std::promise<ExitCode>& end) {
    const ExitCode code = co_await command(world);
    end.set_value(code);
}

/// What runs when the console tells of something: set on the shard, called on it.
struct ShardCallback {
    std::function<void()> callback;
    bool is_listening = false;
};

class PosixEnvironment final : public Environment {
 public:
    std::optional<std::string> variable(const std::string& name) override {
        const char* value = std::getenv(name.c_str());
        return value == nullptr ? std::nullopt : std::optional<std::string>(value);
    }
    Terminal& terminal() override { return terminal_; }
    runtime::Random& random() override { return shard().random(); }
    runtime::Clock& clock() override { return shard().clock(); }
    runtime::Disk& disk() override {
        if (!disk_) disk_.emplace(posix::DiskOptions{.io_threads = 2});
        return *disk_;
    }
    ExitCode run_online(OnlineCommand command) override;

 private:
    runtime::Shard& shard() {
        // Compressing and printing take their time, and nobody else waits for this shard.
        if (!shards_) shards_.emplace(posix::ShardsOptions{.count = 1, .slow_turn_limit = std::chrono::hours(1)});
        return (*shards_)[0];
    }

    PosixTerminal terminal_;
    std::optional<posix::Shards> shards_;  // one; its thread runs in run_online() alone
    std::optional<posix::PosixDisk> disk_;
};

ExitCode PosixEnvironment::run_online(OnlineCommand command) {
    runtime::Shard& here = shard();
    posix::PosixTransport transport;
    ShardCallback interrupt;
    ShardCallback output_closed;
    using Listen = void (posix::Console::*)(std::function<void()>);
    const auto setter = [this, &here](ShardCallback& slot, Listen listen) {
        return [this, &here, &slot, listen](std::function<void()> callback) {
            slot.callback = std::move(callback);
            if (std::exchange(slot.is_listening, true)) return;
            (terminal_.console().*listen)([&here, &slot] {
                here.post([&slot] {
                    if (slot.callback) slot.callback();
                });
            });
        };
    };
    OnlineWorld world{here,
                      disk(),
                      transport,
                      terminal_,
                      setter(interrupt, &posix::Console::on_interrupt),
                      setter(output_closed, &posix::Console::on_output_closed)};
    std::promise<ExitCode> end;
    runtime::spawn(here, run_and_tell(command, world, end));
    shards_->start();
    const ExitCode code = end.get_future().get();
    terminal_.console().end_listening();  // what it would call goes
    shards_->stop();
    shards_->join();
    disk_.reset();
    return code;
}

}  // namespace

std::unique_ptr<Environment> make_posix_environment() {
    return std::make_unique<PosixEnvironment>();
}

}  // namespace moldau::cli
