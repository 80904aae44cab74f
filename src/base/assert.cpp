#include <cstdio>
#include <cstdlib>

#include <moldau/base/assert.h>

namespace moldau {

void assert_failed(const char* expression, const char* file, int line) {
    std::fprintf(stderr, "moldau: assertion failed: %s at %s:%d\n", expression, file, line);
    std::fflush(stderr);
    std::abort();
}

}  // namespace moldau
