#pragma once
// Where each key stands last in the part of a log that is to be compacted: keys as keyed digests of 128 bits, never the
// keys themselves. It grows as keys come, up to a bound; behind what it covers nothing may be taken for superseded.
// Owned by a cleaning job, on one thread at a time.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include <moldau/base/ids.h>

#include "cleaner/key_hash.h"

namespace moldau::storage {

class OffsetMap {
 public:
    static constexpr std::size_t entry_bytes = 24;
    /// Fuller than that a search becomes long.
    static constexpr double max_load = 0.95;

    /// Takes at most `max_bytes`, and half as much again for the moment in which it grows to that; `load` of it is
    /// used. There is always room for one key.
    OffsetMap(std::size_t max_bytes, double load, const HashSecret& secret);

    /// Notes that `key` stands at `offset`; false when it is new and there is no room. Requires: offsets rise.
    [[nodiscard]] bool put(ByteView key, Offset offset);
    /// The offset that was noted last.
    std::optional<Offset> find(ByteView key) const;

    /// All keys before `end` are entered.
    void cover_to(Offset end) { end_ = std::max(end_, end); }
    Offset end() const { return end_; }

    std::size_t size() const { return size_; }
    std::size_t max_size() const { return max_size_; }

 private:
    struct Slot {
        KeyDigest key;
        Offset offset = no_offset;  ///< no_offset: free
    };
    static_assert(sizeof(Slot) == entry_bytes);

    /// Where `key` is, or would be.
    std::size_t slot_of(const KeyDigest& key) const;
    void grow();

    HashSecret secret_;
    std::size_t max_slots_;
    std::size_t max_size_;
    std::size_t grow_at_ = 0;
    std::size_t size_ = 0;
    Offset end_{0};
    std::vector<Slot> slots_;
};

}  // namespace moldau::storage
