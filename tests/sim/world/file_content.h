#pragma once
// What a simulated file holds: the page cache, what the device surely has, and the writes between the two. Pure.
//
// The crash model: writes reach the device page by page (4 KiB), each page in any of the states that it had since the
// last sync, a torn page even sector by sector (512 B). The size survives in any of its states since then; where it
// outran its pages they read as zeros. A truncation is ordered with the size: pages never show what a surviving
// truncation removed, nor lose what a lost one would have removed.

#include <cstdint>
#include <span>
#include <vector>

#include <moldau/base/bytes.h>

#include "sim_random.h"

namespace moldau::sim {

/// How much of what was not synced survives a crash.
enum class Survival { nothing, everything, anything };

class FileContent {
 public:
    static constexpr std::uint64_t page_bytes = 4096;
    static constexpr std::uint64_t sector_bytes = 512;

    /// As the page cache has it.
    ByteView data() const { return cached_; }
    std::uint64_t size() const { return cached_.size(); }
    /// As the device has it at least.
    ByteView durable() const { return durable_; }
    std::size_t unsynced_writes() const { return changes_.size(); }
    /// Bytes from the start that a crash leaves as they are.
    std::uint64_t safe_prefix() const;

    void write(std::uint64_t position, ByteView bytes);
    void resize(std::uint64_t size);

    /// Names all that was written so far: taken when a sync begins.
    std::uint64_t sync_point() const { return last_sequence_; }
    /// A sync that began at `point` has ended: what was written before it is durable.
    void complete_sync(std::uint64_t point);
    /// It has failed: of what it covered any pages are lost, and no later sync will write them.
    void fail_sync(std::uint64_t point, SimRandom& random);

    void crash(SimRandom& random, Survival survival);

    std::uint64_t hash() const { return mix(hash_of(cached_), hash_of(durable_)); }

 private:
    struct Change {
        std::uint64_t sequence;
        std::uint64_t position;
        Bytes bytes;  ///< empty: a change of size alone
        std::uint64_t size_before;
        std::uint64_t size_after;

        bool truncates() const { return size_after < size_before; }
        std::uint64_t begin() const { return truncates() ? size_after : position; }
        std::uint64_t end() const { return truncates() ? size_before : position + bytes.size(); }
    };
    static void apply(const Change& change, Bytes& to, std::uint64_t from, std::uint64_t until);
    void crash_page(std::uint64_t page, std::span<const std::size_t> touching, std::size_t sizes_kept, Bytes& result,
                    SimRandom& random, Survival survival) const;

    Bytes cached_;
    Bytes durable_;
    std::vector<Change> changes_;  ///< in order; applied to durable_ they give cached_
    std::uint64_t last_sequence_ = 0;
};

}  // namespace moldau::sim
