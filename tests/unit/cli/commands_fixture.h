#pragma once
// Commands over brokers and a terminal that a test scripts.

#include <deque>
#include <functional>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "fake_cluster.h"
#include "run.h"
#include "support/memory_disk.h"
#include "support/no_transport.h"

namespace moldau::cli {

class FakeTerminal final : public Terminal {
 public:
    Result<std::size_t> read_input(MutableBytes into) override {
        if (ended_) return fail(Errc::closed, "the input was ended");
        if (input.empty()) return 0;
        const std::string chunk = std::move(input.front());
        input.pop_front();
        if (chunk == interrupt) {
            on_interrupt();
            return fail(Errc::closed, "the input was ended");
        }
        std::memcpy(into.data(), chunk.data(), chunk.size());
        return chunk.size();
    }
    void end_input() override { ended_ = true; }
    Result<> write_output(ByteView bytes) override {
        if (is_output_closed) return fail(Errc::closed, "nobody reads it any more");
        output += text_of(bytes);
        return {};
    }
    const std::optional<Error>& output_failure() const override { return output_failure_; }
    void write_error(std::string_view text) override { error += text; }
    bool input_is_terminal() const override { return false; }
    bool output_is_terminal() const override { return false; }
    bool error_is_terminal() const override { return false; }

    static constexpr const char* interrupt = "^C";
    std::deque<std::string> input;  ///< what each read gives; `interrupt` is one
    std::function<void()> on_interrupt;
    std::function<void()> on_output_closed;
    bool is_output_closed = false;
    std::string output;
    std::string error;

 private:
    bool ended_ = false;
    std::optional<Error> output_failure_;
};

struct CommandsTest : testing::Test {
    CommandsTest() { cluster.set_metadata(1, {{"t", {1, 1, 1}}, {"one", {1}}}); }

    ExitCode execute(Command command, OutputFormat output = OutputFormat::table) {
        const Plan plan{{{{"x", 1}}, std::chrono::seconds(30), output}, std::move(command)};
        std::optional<ExitCode> code;
        runtime::spawn(shard, detail::store(execute_online(plan, world, cluster), code));
        for (int step = 0; step < 10'000 && !code; ++step) {
            shard.advance(std::chrono::milliseconds(50));
            disk.run_blocking_work();
        }
        MOLDAU_ASSERT(code.has_value());
        return *code;
    }
    bool told(std::string_view text) const { return terminal.error.contains(text); }

    runtime::ManualShard shard;
    runtime::MemoryDisk disk;
    runtime::NoTransport transport;
    FakeTerminal terminal;
    FakeCluster cluster{shard};
    OnlineWorld world{shard,
                      disk,
                      transport,
                      terminal,
                      [this](std::function<void()> callback) { terminal.on_interrupt = std::move(callback); },
                      [this](std::function<void()> callback) { terminal.on_output_closed = std::move(callback); }};
};

}  // namespace moldau::cli
