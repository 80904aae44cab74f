#pragma once
// A keyed hash of 128 bits, SipHash-2-4: who does not know the key cannot make two keys of records that are taken for
// one, of which compaction would remove the other's records. Pure.

#include <array>
#include <cstdint>

#include <moldau/base/bytes.h>

namespace moldau::storage {

struct KeyDigest {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    friend bool operator==(const KeyDigest&, const KeyDigest&) = default;
};

using HashSecret = std::array<std::uint64_t, 2>;

KeyDigest hash_key(const HashSecret& secret, ByteView key);

}  // namespace moldau::storage
