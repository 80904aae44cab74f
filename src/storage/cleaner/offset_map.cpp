#include "cleaner/offset_map.h"

#include <algorithm>
#include <utility>

#include <moldau/base/assert.h>

namespace moldau::storage {
namespace {

constexpr std::size_t least_slots = 1024;
/// Of a table that may still grow.
constexpr double growing_load = 0.75;

std::size_t share_of(std::size_t slots, double load) {
    return static_cast<std::size_t>(static_cast<double>(slots) * load);
}

}  // namespace

OffsetMap::OffsetMap(std::size_t max_bytes, double load, const HashSecret& secret)
    : secret_(secret),
      // One slot stays free, at which a search ends.
      max_slots_(std::max<std::size_t>(max_bytes / entry_bytes, 2)),
      max_size_(
          std::clamp<std::size_t>(share_of(max_slots_, load > 0 ? std::min(load, max_load) : 0), 1, max_slots_ - 1)) {}

std::size_t OffsetMap::slot_of(const KeyDigest& key) const {
    std::size_t at = key.low % slots_.size();
    while (slots_[at].offset != no_offset && slots_[at].key != key) at = at + 1 == slots_.size() ? 0 : at + 1;
    return at;
}

bool OffsetMap::put(ByteView key, Offset offset) {
    MOLDAU_ASSERT(offset.value() >= 0);
    const KeyDigest digest = hash_key(secret_, key);
    if (size_ > 0) {
        Slot& slot = slots_[slot_of(digest)];
        if (slot.offset != no_offset) {
            slot.offset = offset;
            return true;
        }
    }
    if (size_ == max_size_) return false;
    if (size_ == grow_at_) grow();
    slots_[slot_of(digest)] = {digest, offset};
    ++size_;
    return true;
}

std::optional<Offset> OffsetMap::find(ByteView key) const {
    if (size_ == 0) return std::nullopt;
    const Slot& slot = slots_[slot_of(hash_key(secret_, key))];
    if (slot.offset == no_offset) return std::nullopt;
    return slot.offset;
}

void OffsetMap::grow() {
    const std::size_t count = std::clamp(slots_.size() * 2, std::min(least_slots, max_slots_), max_slots_);
    const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(count));
    grow_at_ = count == max_slots_ ? max_size_ : share_of(count, growing_load);
    for (const Slot& each : old)
        if (each.offset != no_offset) slots_[slot_of(each.key)] = each;
}

}  // namespace moldau::storage
