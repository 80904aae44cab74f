#pragma once
// Kafka's text checkpoints, version 0: the version, the count of entries, and one entry a line, words apart by a blank.
// Whoever owns the directory reads and writes them on the I/O pool.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <moldau/base/ids.h>
#include <moldau/base/result.h>
#include <moldau/runtime/disk.h>

namespace moldau::storage {

std::string encode_checkpoint(std::span<const std::string> lines);
/// The words of each entry, views of `text`. Errors: invalid, also when the count is wrong.
Result<std::vector<std::vector<std::string_view>>> decode_checkpoint(std::string_view text);

/// A decimal integer and nothing else.
std::optional<std::int64_t> parse_integer(std::string_view text);

struct TopicPartition {
    std::string topic;
    PartitionIndex partition;
    friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
};

using OffsetsByPartition = std::map<TopicPartition, Offset>;

std::string encode_offset_checkpoint(const OffsetsByPartition& offsets);
Result<OffsetsByPartition> decode_offset_checkpoint(std::string_view text);

/// `recovery-point-offset-checkpoint` and its like. A missing file is an empty one. Waits for the device.
Result<OffsetsByPartition> read_offset_checkpoint(runtime::Disk& disk, const std::string& path);
Result<> write_offset_checkpoint(runtime::Disk& disk, const std::string& path, const OffsetsByPartition& offsets);

}  // namespace moldau::storage
