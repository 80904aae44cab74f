// moldau_sim: runs whole brokers in the simulated world, one seed after the other, until a promise is broken.

#include <csignal>
#include <cstdio>
#include <ctime>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <moldau/base/log.h>

#include "broker/real_broker.h"
#include "scenario.h"
#include "stand_in/stand_in.h"

namespace {

using namespace moldau;

struct Options {
    std::uint64_t seed = 0;
    std::string seeds;
    double minutes = 0;
    std::string shards = "draw";
    std::string bug;
    unsigned jobs = 1;
    bool verbose = false;
};

/// For the handler of signals, which may not format.
char last_words[128];

void on_signal(int signal) {
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, last_words, std::strlen(last_words));
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

void set_last_words(std::uint64_t seed) {
    const auto end = fmt::format_to_n(last_words, sizeof last_words - 1, "the simulator died: --seed {}\n", seed);
    *end.out = '\0';
}

std::pair<std::uint64_t, std::uint64_t> range_of(const Options& options) {
    if (options.seeds.empty()) {
        if (options.seed != 0) return {options.seed, options.seed};
        const auto first = static_cast<std::uint64_t>(std::time(nullptr)) * 1'000'000;
        return {first, options.minutes > 0 ? UINT64_MAX : first};
    }
    const std::size_t dots = options.seeds.find("..");
    if (dots == std::string::npos) return {std::stoull(options.seeds), std::stoull(options.seeds)};
    return {std::stoull(options.seeds.substr(0, dots)), std::stoull(options.seeds.substr(dots + 2))};
}

sim::Bug bug_of(const std::string& name) {
    for (const auto& [known, bug] : sim::all_bugs())
        if (known == name) return bug;
    throw CLI::ValidationError("--bug", name + " is none of the stand-in's bugs");
}

sim::BrokerProgram program_of(const Options& options) {
    if (options.bug.empty())
        return {.start = sim::start_real_broker,
                .draw_settings = sim::draw_settings,
                .bears_device_failures = true,
                .deletes_topics = true,
                .configures_topics = true,
                .serves_groups = true};
    return sim::stand_in_program(bug_of(options.bug));
}

bool run_seed(sim::Scenario& scenario, const Options& options, std::uint64_t seed,
              std::map<std::string, std::uint64_t, std::less<>>& coverage) {
    fmt::print("seed {}\n", seed);
    std::fflush(stdout);
    set_last_words(seed);
    sim::RunOptions run{.seed = seed, .shards = std::nullopt, .on_trace = nullptr};
    if (options.shards != "draw") run.shards = static_cast<unsigned>(std::stoul(options.shards));
    if (options.verbose) run.on_trace = [](std::string_view line) { fmt::print("  {}\n", line); };
    const sim::Report report = scenario.run(run);
    fmt::print("  trace {:016x} disk {:016x} events {} operations {} virtual seconds {}\n", report.trace_hash,
               report.disk_hash, report.events, report.operations,
               std::chrono::duration_cast<std::chrono::seconds>(report.virtual_time).count());
    for (const auto& [name, times] : report.counters) coverage[name] += times;
    if (report.violation.empty()) return true;
    fmt::print("FAILED: {}\n  again: --seed {}{}\n", report.violation, seed,
               options.shards == "draw" ? "" : " --shards " + options.shards);
    return false;
}

int run(const Options& options) {
    const auto scenario = sim::single_broker_scenario(program_of(options));
    const auto [first, last] = range_of(options);
    const std::clock_t begun = std::clock();
    std::map<std::string, std::uint64_t, std::less<>> coverage;
    bool held = true;
    std::uint64_t seeds = 0;
    for (std::uint64_t seed = first; held && seed <= last; ++seed) {
        if (options.minutes > 0 && double(std::clock() - begun) / CLOCKS_PER_SEC >= options.minutes * 60) break;
        held = run_seed(*scenario, options, seed, coverage);
        ++seeds;
    }
    fmt::print("\ncovered in {} seeds, {:.1f} s of processor time:\n", seeds,
               double(std::clock() - begun) / CLOCKS_PER_SEC);
    for (const auto& [name, times] : coverage) fmt::print("  {:<40}{:>12}\n", name, times);
    return held ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app("Runs Moldau in a simulated world. The same seed gives the same history.", "moldau_sim");
    app.add_option("--seed", options.seed, "One seed; 0: from the time of day");
    app.add_option("--seeds", options.seeds, "A range of seeds, A..B");
    app.add_option("--minutes", options.minutes, "Stop after so many minutes of processor time");
    app.add_option("--shards", options.shards, "Shards of a broker")->check(CLI::IsMember({"1", "2", "4", "draw"}));
    app.add_option("--jobs", options.jobs, "Seeds at a time")->check(CLI::Range(1, 1));
    app.add_option("--bug", options.bug, "Runs the stand-in broker with a planted bug, or none");
    app.add_flag("--verbose", options.verbose, "Print every event");
    CLI11_PARSE(app, argc, argv);

    // Crashes make brokers complain; what is wrong the model says.
    log::set_sink(
        [&options](log::Level, std::string_view line) {
            if (options.verbose) fmt::print("  log: {}\n", line);
        },
        log::Level::debug);
    for (const int signal : {SIGABRT, SIGSEGV, SIGTERM}) std::signal(signal, on_signal);
    try {
        return run(options);
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 2;
    }
}
