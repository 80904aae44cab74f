#pragma once
// Random numbers of the system's own generator, fetched in blocks: good enough for ids and secrets, and 20 ns a number.

#include <array>
#include <cstddef>
#include <cstdint>

#include <moldau/runtime/random.h>

namespace moldau::posix {

class PosixRandom final : public runtime::Random {
 public:
    std::uint64_t next() override;

 private:
    std::array<std::uint64_t, 32> block_{};  // 256 bytes: the most that come whole for certain
    std::size_t used_ = block_.size();       // numbers of the block that were given out
};

}  // namespace moldau::posix
