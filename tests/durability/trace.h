#pragma once
// What a broker asked of its disk, call by call, as a file: written by RecordingDisk, replayed by crash_image.

#include <cstdint>
#include <string>

#include <moldau/base/bytes.h>
#include <moldau/base/result.h>

namespace moldau::durability {

enum class Op : std::uint8_t {
    begin_life,  ///< a process starts: numbers of files and syncs begin anew
    open,        ///< `file` is now `path`, made when `makes`
    write,       ///< `bytes` at `position` of `file`
    truncate,    ///< `file` to `position` bytes
    sync_begun,  ///< of `file`; `sync` names it
    sync_done,
    close,
    create_directories,
    rename,  ///< `path` to `other_path`
    remove,
    directory_sync_begun,  ///< of `path`; `sync` names it
    directory_sync_done,
};

struct Call {
    Op op{};
    bool makes = false;
    std::uint64_t at_ns = 0;  ///< of CLOCK_MONOTONIC, one for all processes of the machine; never falls in a trace
    std::uint64_t file = 0;
    std::uint64_t sync = 0;
    std::uint64_t position = 0;
    std::string path = {};
    std::string other_path = {};
    Bytes bytes = {};
};

Bytes encode(const Call& call);

/// Takes the first call from `trace`. Errc::corrupt where there is no whole one.
Result<Call> take_call(ByteView& trace);

}  // namespace moldau::durability
