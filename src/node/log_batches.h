#pragma once
// Walks the batches of a log from its files. Reads on the calling thread: for logs that are in the page cache, or
// before the shards turn.

#include <functional>

#include <moldau/base/result.h>
#include <moldau/protocol/record_batch.h>
#include <moldau/storage/log.h>

namespace moldau::node {

/// Gives each batch in [from, end) to `take`, and stops at its first error. Errc::corrupt where a batch is not whole or
/// its CRC is wrong. Requires: both are ends of batches, in [log start, log end].
Result<> for_each_batch(storage::Log& log, Offset from, Offset end,
                        const std::function<Result<>(const protocol::BatchView&)>& take);

}  // namespace moldau::node
