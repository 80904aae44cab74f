#pragma once
// Reading for coroutines that have nothing else to do meanwhile.

#include <moldau/runtime/transport.h>

namespace moldau::sim {

/// The bytes read, 0 at the peer's end. `into` must outlive the call.
inline runtime::Task<Result<std::size_t>> read_some(runtime::Stream& stream, MutableBytes into) {
    for (;;) {
        auto read = stream.try_read_some(into);
        if (read || read.error().code != Errc::would_block) co_return read;
        if (auto readable = co_await stream.wait_readable(); !readable)
            co_return std::unexpected(std::move(readable).error());
    }
}

}  // namespace moldau::sim
