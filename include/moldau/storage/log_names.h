#pragma once
// Kafka's names of files and directories of a log.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <moldau/base/ids.h>
#include <moldau/storage/checkpoint_file.h>

namespace moldau::storage {

namespace suffix {
inline constexpr std::string_view log = ".log";
inline constexpr std::string_view index = ".index";
inline constexpr std::string_view time_index = ".timeindex";
inline constexpr std::string_view txn_index = ".txnindex";
inline constexpr std::string_view snapshot = ".snapshot";
inline constexpr std::string_view deleted = ".deleted";
inline constexpr std::string_view cleaned = ".cleaned";
inline constexpr std::string_view swap = ".swap";

/// A segment's files in the order in which they go: what stands of the others without the log is nobody's.
inline constexpr std::string_view log_first[] = {log, index, time_index, txn_index};
/// In the order in which they change their names: as long as the log has its old one, a start begins again.
inline constexpr std::string_view log_last[] = {index, time_index, txn_index, log};
}  // namespace suffix

/// Of a log directory.
inline constexpr std::string_view recovery_points_file_name = "recovery-point-offset-checkpoint";
inline constexpr std::string_view log_starts_file_name = "log-start-offset-checkpoint";
inline constexpr std::string_view high_watermarks_file_name = "replication-offset-checkpoint";
inline constexpr std::string_view cleaner_offsets_file_name = "cleaner-offset-checkpoint";

/// Our own, in a partition's directory: offsets may be missing between segments, by another's compaction. Durable
/// before anything else tells whose the directory is; goes once a clean start has found no gap.
inline constexpr std::string_view gaps_file_name = "moldau.gaps";

/// Twenty digits and the suffix.
std::string offset_file_name(Offset offset, std::string_view suffix);
/// The offset of `<20 digits><suffix>`; nothing when the name is anything else.
std::optional<Offset> offset_in_name(std::string_view name, std::string_view suffix);

enum class PartitionDirectoryKind : std::uint8_t {
    current,  ///< <topic>-<n>
    removed,  ///< <topic>-<n>.<32 hex digits>-delete
    future,   ///< …-future: moving to this directory
    stray     ///< …-stray: not known to the metadata
};

struct PartitionDirectoryName {
    TopicPartition partition;
    PartitionDirectoryKind kind = PartitionDirectoryKind::current;
};

/// Nothing when no partition's directory is called so.
std::optional<PartitionDirectoryName> parse_partition_directory(std::string_view name);
std::string partition_directory_name(const TopicPartition& partition);
/// `unique` makes it differ from all others. Cut so that it is no longer than file systems allow.
std::string partition_directory_name(const TopicPartition& partition, PartitionDirectoryKind kind, const Uuid& unique);

}  // namespace moldau::storage
