#pragma once
// Walks the batches that a fetch brought and gives each record that the consumer is to see: from an offset on, without
// markers, and in read_committed without those of aborted transactions. Pure.

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>

#include <moldau/base/ids.h>
#include <moldau/base/result.h>
#include <moldau/protocol/compression.h>
#include <moldau/protocol/record.h>
#include <moldau/protocol/record_batch.h>

namespace moldau::cli {

struct AbortedTransaction {
    ProducerId producer;
    Offset first_offset;
};

/// The offset behind the last whole batch of `records`; `from` when there is none.
Offset end_of_batches(ByteView records, Offset from);

class RecordsReader {
 public:
    /// Takes a record; false: no more are wanted.
    using OnRecord = std::function<bool(Offset offset, Timestamp timestamp, const protocol::RecordView& record)>;

    /// `aborted` is as the broker lists it; empty in read_uncommitted. Errc::corrupt when a batch is damaged.
    Result<> read(ByteView records, Offset from, std::span<const AbortedTransaction> aborted,
                  const OnRecord& on_record);

 private:
    Result<bool> read_batch(const protocol::BatchView& batch, Offset from, const OnRecord& on_record);

    protocol::Decompressor decompressor_;
};

}  // namespace moldau::cli
