#include <malloc.h>

#include <moldau/posix/memory.h>

namespace moldau::posix {

void give_memory_back() {
    constexpr int large_bytes = 4 << 20;
    ::mallopt(M_MMAP_THRESHOLD, large_bytes);
    ::mallopt(M_TRIM_THRESHOLD, 2 * large_bytes);
}

}  // namespace moldau::posix
