// Makes the directory that a broker may find after the power went.
//
//   crash_image <trace> <directory> <image> <seed> [--base <directory>] [--from <ns>] [--without-syncs]
//
// Replays the trace of a broker's disk calls up to one of them, drawn by the seed, into the simulator's disk, crashes
// that, and writes what is left of <directory>, the broker's data directory, to <image>, which must not be there.
// Prints "<calls made> of <calls> calls, power off at <ns>, unsynced: <survival>": the time is of CLOCK_MONOTONIC; all
// that the broker answered before it was answered on the strength of those calls.
//
// --base: what <directory> held, durably, before the trace. --from: the power goes after that time. --without-syncs: a
// disk that lies about its syncs, for the test of the test.

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "trace.h"
#include "world/sim_disk.h"
#include "world/sim_file.h"
#include "world/simulation.h"

namespace moldau::durability {
namespace {

struct Arguments {
    std::string trace;
    std::string directory;
    std::string image;
    std::uint64_t seed = 0;
    std::string base = {};
    std::uint64_t from_ns = 0;
    bool without_syncs = false;
};

/// A broker's disk, as its trace tells it.
class Replay {
 public:
    Replay(sim::SimDisk& disk, bool without_syncs) : disk_(disk), without_syncs_(without_syncs) {}

    Result<> make(const Call& call) {
        switch (call.op) {
            case Op::begin_life:
                files_.clear();
                syncs_.clear();
                directory_syncs_.clear();
                return {};
            case Op::open:
                return open(call);
            case Op::write: {
                const ByteView parts[] = {call.bytes};
                return files_.at(call.file)->write_at(parts, call.position);
            }
            case Op::truncate:
                return files_.at(call.file)->truncate(call.position);
            case Op::close:
                files_.erase(call.file);
                return {};
            case Op::create_directories:
                return disk_.create_directories(call.path);
            case Op::rename:
                return disk_.rename(call.path, call.other_path);
            case Op::remove:
                return disk_.remove(call.path);
            case Op::sync_begun:
            case Op::sync_done:
            case Op::directory_sync_begun:
            case Op::directory_sync_done:
                return without_syncs_ ? Result<>{} : sync(call);
        }
        return fail(Errc::corrupt, "an unknown call");
    }

 private:
    Result<> open(const Call& call) {
        using runtime::OpenMode;
        MOLDAU_TRY(file, disk_.open(call.path, call.makes ? OpenMode::create : OpenMode::read_write));
        files_[call.file] = std::shared_ptr<sim::SimFile>(static_cast<sim::SimFile*>(file.release()));
        return {};
    }

    Result<> sync(const Call& call) {
        if (call.op == Op::sync_begun) {
            const auto& file = files_.at(call.file);
            syncs_[call.sync] = {file, file->sync_point()};
        } else if (call.op == Op::sync_done) {
            const auto& [file, point] = syncs_.at(call.sync);
            file->complete_sync(point);
            syncs_.erase(call.sync);
        } else if (call.op == Op::directory_sync_begun) {
            MOLDAU_TRY(begun, disk_.begin_directory_sync(call.path));
            directory_syncs_.emplace(call.sync, std::move(begun));
        } else {
            disk_.complete(directory_syncs_.at(call.sync));
            directory_syncs_.erase(call.sync);
        }
        return {};
    }

    sim::SimDisk& disk_;
    const bool without_syncs_;
    std::map<std::uint64_t, std::shared_ptr<sim::SimFile>> files_;
    std::map<std::uint64_t, std::pair<std::shared_ptr<sim::SimFile>, std::uint64_t>> syncs_;
    std::map<std::uint64_t, sim::SimDisk::DirectorySync> directory_syncs_;
};

Result<Bytes> read_real_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return fail(Errc::not_found, fmt::format("{} cannot be read", path.string()));
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    return Bytes(text.begin(), text.end());
}

Result<std::vector<Call>> read_trace(const std::string& path) {
    MOLDAU_TRY(content, read_real_file(path));
    std::vector<Call> calls;
    for (ByteView rest = content; !rest.empty();) {
        auto call = take_call(rest);
        if (!call) break;  // the process was killed while it wrote it: the call is as good as not made
        calls.push_back(std::move(*call));
    }
    if (calls.empty()) return fail(Errc::invalid, fmt::format("{} holds no calls", path));
    return calls;
}

/// Makes the name of `path` durable, and those of all directories above.
Result<> sync_names_of(sim::SimDisk& disk, std::string path) {
    while (path != "/") {
        path = runtime::parent_path(path);
        MOLDAU_CHECK(disk.sync_directory(path));
    }
    return {};
}

/// Puts the real directory `from` to `to`, durably.
Result<> copy_in(sim::SimDisk& disk, const std::string& from, const std::string& to) {
    MOLDAU_CHECK(disk.create_directories(to));
    for (const auto& entry : std::filesystem::directory_iterator(from)) {
        const std::string target = runtime::join_path(to, entry.path().filename().string());
        if (entry.is_directory()) {
            MOLDAU_CHECK(copy_in(disk, entry.path(), target));
            continue;
        }
        MOLDAU_TRY(content, read_real_file(entry.path()));
        MOLDAU_TRY(file, disk.open(target, runtime::OpenMode::create));
        const ByteView parts[] = {content};
        MOLDAU_CHECK(file->write_at(parts, 0));
        MOLDAU_CHECK(file->sync());
    }
    return disk.sync_directory(to);
}

Result<> copy_out(sim::SimDisk& disk, const std::string& from, const std::string& to) {
    std::filesystem::create_directories(to);
    MOLDAU_TRY(entries, disk.list(from));
    for (const runtime::DirectoryEntry& entry : entries) {
        const std::string source = runtime::join_path(from, entry.name);
        const std::string target = runtime::join_path(to, entry.name);
        if (entry.is_directory) {
            MOLDAU_CHECK(copy_out(disk, source, target));
            continue;
        }
        MOLDAU_TRY(content, runtime::read_whole(disk, source));
        std::ofstream file(target, std::ios::binary);
        file.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
        if (!file.flush()) return fail(Errc::io, fmt::format("{} cannot be written", target));
    }
    return {};
}

/// How many calls are made before the power goes: drawn evenly over calls or over time, since a burst of calls is short
/// and a pause has few.
std::size_t draw_end(const std::vector<Call>& calls, std::uint64_t from_ns, sim::SimRandom& random) {
    std::size_t first = 0;
    while (first < calls.size() && calls[first].at_ns < from_ns) ++first;
    if (first == calls.size()) return first;
    if (random.coin()) return random.between(first, calls.size());
    const std::uint64_t instant = random.between(calls[first].at_ns, calls.back().at_ns);
    std::size_t end = first;
    while (end < calls.size() && calls[end].at_ns <= instant) ++end;
    return end;
}

Result<> run(const Arguments& arguments) {
    MOLDAU_TRY(calls, read_trace(arguments.trace));
    sim::Simulation simulation(arguments.seed);
    sim::SimRandom random = simulation.split("crash_image");
    sim::SimDisk disk(simulation, "disk", {.capacity_bytes = std::uint64_t{1} << 40});
    disk.begin_life(simulation.new_incarnation());
    const std::string above = runtime::parent_path(arguments.directory);
    MOLDAU_CHECK(disk.create_directories(above));
    MOLDAU_CHECK(sync_names_of(disk, above));
    if (!arguments.base.empty()) {
        MOLDAU_CHECK(copy_in(disk, arguments.base, arguments.directory));
        MOLDAU_CHECK(sync_names_of(disk, arguments.directory));
    }
    const std::size_t end = draw_end(calls, arguments.from_ns, random);
    {
        Replay replay(disk, arguments.without_syncs);
        for (std::size_t i = 0; i < end; ++i)
            if (auto made = replay.make(calls[i]); !made)
                return std::unexpected(std::move(made).error().within(fmt::format("call {}", i)));
    }
    const std::uint64_t draw = random.between(0, 9);
    const sim::Survival survival = draw == 0   ? sim::Survival::nothing
                                   : draw == 1 ? sim::Survival::everything
                                               : sim::Survival::anything;
    disk.end_life();
    disk.crash(survival);
    std::filesystem::create_directories(arguments.image);
    MOLDAU_TRY(is_there, disk.exists(arguments.directory));
    if (is_there) MOLDAU_CHECK(copy_out(disk, arguments.directory, arguments.image));
    const char* const names[] = {"none of it", "all of it", "any of it"};
    fmt::print("{} of {} calls, power off at {}, unsynced: {}\n", end, calls.size(),
               end < calls.size() ? calls[end].at_ns : calls.back().at_ns, names[static_cast<int>(survival)]);
    return {};
}

std::optional<Arguments> parse(int argc, char** argv) {
    if (argc < 5) return std::nullopt;
    Arguments arguments{
        .trace = argv[1], .directory = argv[2], .image = argv[3], .seed = std::strtoull(argv[4], nullptr, 10)};
    for (int i = 5; i < argc; ++i) {
        const std::string_view option = argv[i];
        const bool has_value = i + 1 < argc;
        if (option == "--without-syncs") {
            arguments.without_syncs = true;
        } else if (option == "--base" && has_value) {
            arguments.base = argv[++i];
        } else if (option == "--from" && has_value) {
            arguments.from_ns = std::strtoull(argv[++i], nullptr, 10);
        } else {
            return std::nullopt;
        }
    }
    return arguments;
}

}  // namespace
}  // namespace moldau::durability

int main(int argc, char** argv) {
    const auto arguments = moldau::durability::parse(argc, argv);
    if (!arguments) {
        fmt::print(stderr,
                   "usage: crash_image <trace> <directory> <image> <seed> [--base <directory>] [--from <ns>] "
                   "[--without-syncs]\n");
        return 2;
    }
    if (const auto done = moldau::durability::run(*arguments); !done) {
        fmt::print(stderr, "crash_image: {}\n", done.error().message);
        return 1;
    }
    return 0;
}
