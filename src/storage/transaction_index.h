#pragma once
// `.txnindex`: the aborted transactions of a segment, 34 bytes each: version i16 (0), producer id, first offset, last
// offset and the last stable offset then, i64 each. Written when one is aborted, by the Log on its shard.

#include <string>

#include <moldau/base/result.h>
#include <moldau/runtime/disk.h>
#include <moldau/storage/producer_state.h>

namespace moldau::storage {

inline constexpr std::size_t aborted_transaction_bytes = 34;

Result<> append_aborted_transaction(runtime::Disk& disk, const std::string& path,
                                    const CompletedTransaction& transaction);

/// Cuts the entries of transactions that ended at or behind `end`. A missing file is empty.
Result<> truncate_aborted_transactions(runtime::Disk& disk, const std::string& path, Offset end);

}  // namespace moldau::storage
