#pragma once
// A file that keeps a little room on a disk which others may fill to the last byte: it goes for a note that lets
// something be deleted, half of it for a start, and is made again once there is room. Owned by the log directory. Its
// calls wait, on any thread of the I/O pool. Apache Kafka ignores it.

#include <cstdint>
#include <string>
#include <string_view>

#include <moldau/runtime/disk.h>

namespace moldau::storage {

class SpareFile {
 public:
    static constexpr std::string_view name = ".moldau-spare";
    /// The checkpoints of some ten thousand partitions; of a small file system a share.
    static constexpr std::uint64_t max_size_bytes = 1 << 20;
    static constexpr std::uint64_t share = 128;
    /// It is made where so many times its size is free.
    static constexpr std::uint64_t free_factor = 4;

    SpareFile(runtime::Disk& disk, const std::string& directory)
        : disk_(disk), directory_(directory), path_(runtime::join_path(directory, name)) {}

    /// At a start: looks whether it is there. Where less is free than half of what it should hold, half is given up.
    Result<> open();
    /// Makes it where it is missing, or was cut by a crash, and there is room.
    Result<> keep();
    /// True when it was there: its room is free now, for whoever comes first.
    Result<bool> give_up();

 private:
    Result<> fill(runtime::File& file, std::uint64_t size_bytes);

    runtime::Disk& disk_;
    std::string directory_;
    std::string path_;
    runtime::Turns turns_;
    bool is_whole_ = false;  // or cannot be had
};

}  // namespace moldau::storage
