#include "posix_random.h"

#include <cerrno>
#include <sys/random.h>

#include <moldau/base/assert.h>

namespace moldau::posix {

std::uint64_t PosixRandom::next() {
    if (used_ == block_.size()) {
        // A signal can interrupt only the wait for the generator's seeding, early at boot.
        while (getrandom(block_.data(), sizeof block_, 0) < 0) MOLDAU_ASSERT(errno == EINTR);
        used_ = 0;
    }
    return block_[used_++];
}

}  // namespace moldau::posix
