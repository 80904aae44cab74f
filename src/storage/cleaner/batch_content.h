#pragma once
// The records of a batch as compaction looks at them: decompressed as a whole, within a bound. On the stack of a
// cleaning job, one thread at a time.

#include <moldau/base/bytes.h>
#include <moldau/base/result.h>
#include <moldau/protocol/compression.h>
#include <moldau/protocol/record.h>
#include <moldau/protocol/record_batch.h>

namespace moldau::storage {

class BatchContent {
 public:
    explicit BatchContent(std::size_t max_bytes) : max_bytes_(max_bytes) {}

    /// Brings the records of `batch`, which must be whole, to hand. False: none of them may be taken out, since the
    /// batch belongs to a transaction, holds more than the bound, or its offsets do not rise. Errors: corrupt.
    Result<bool> load(const protocol::BatchView& batch);

    /// Requires: load() was true. Valid until its next call.
    protocol::RecordIterator records() const { return {section_, count_}; }

 private:
    /// False where there is more than may be held.
    Result<bool> decompress(const protocol::BatchView& batch);
    Result<bool> offsets_rise(const protocol::BatchView& batch) const;

    std::size_t max_bytes_;
    protocol::Decompressor decompressor_;
    Bytes pieces_;
    ByteView section_;
    std::int32_t count_ = 0;
};

}  // namespace moldau::storage
