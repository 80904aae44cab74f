#pragma once
// All that a node sees of the outside: given to it at its start, by app or by the simulator.

#include <functional>
#include <span>

#include <moldau/runtime/disk.h>
#include <moldau/runtime/shard.h>
#include <moldau/runtime/transport.h>

namespace moldau::runtime {

struct World {
    Disk& disk;
    Transport& transport;
    std::span<Shard* const> shards;  ///< at least one; the first runs the controller and the metadata log

    Shard& shard(std::size_t index) const { return *shards[index]; }
};

}  // namespace moldau::runtime
