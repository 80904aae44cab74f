#include <moldau/storage/log_directory.h>

#include <charconv>

#include <fmt/format.h>

namespace moldau::storage {
namespace {

constexpr std::string_view meta_file = "meta.properties";
constexpr std::string_view clean_file = ".kafka_cleanshutdown";
constexpr std::string_view recovery_point_file = "recovery-point-offset-checkpoint";
constexpr std::string_view log_start_file = "log-start-offset-checkpoint";
constexpr std::string_view high_watermark_file = "replication-offset-checkpoint";
constexpr std::uint64_t max_small_file_bytes = 1 << 20;

/// The integer behind `"key":` in a flat JSON object.
std::optional<std::int64_t> json_integer(std::string_view text, std::string_view key) {
    const std::string quoted = fmt::format("\"{}\":", key);
    const std::size_t at = text.find(quoted);
    if (at == std::string_view::npos) return std::nullopt;
    std::string_view rest = text.substr(at + quoted.size());
    while (rest.starts_with(' ')) rest.remove_prefix(1);
    std::int64_t value = 0;
    if (std::from_chars(rest.data(), rest.data() + rest.size(), value).ec != std::errc()) return std::nullopt;
    return value;
}

}  // namespace

Result<DirectoryMeta> parse_directory_meta(std::string_view text) {
    DirectoryMeta meta;
    std::optional<std::int64_t> version;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        const std::size_t equals = line.find('=');
        if (line.starts_with('#') || equals == std::string_view::npos) continue;
        const std::string_view key = line.substr(0, equals);
        const std::string_view value = line.substr(equals + 1);
        if (key == "version") version = parse_integer(value);
        if (key == "cluster.id") meta.cluster_id = value;
        if (key == "node.id")
            if (const auto id = parse_integer(value)) meta.node_id = NodeId(static_cast<std::int32_t>(*id));
        if (key == "directory.id")
            if (const auto id = Uuid::parse(value)) meta.directory_id = *id;
    }
    if (version != 1) return fail(Errc::invalid, "its version is not 1");
    if (meta.cluster_id.empty()) return fail(Errc::invalid, "cluster.id is missing");
    if (meta.node_id == no_node) return fail(Errc::invalid, "node.id is missing");
    if (meta.directory_id.is_zero()) return fail(Errc::invalid, "directory.id is missing");
    return meta;
}

Result<std::unique_ptr<LogDirectory>> LogDirectory::open(runtime::Disk& disk, const std::string& path, NodeId node) {
    std::unique_ptr<LogDirectory> directory(new LogDirectory(disk, path));
    MOLDAU_TRY(formatted, disk.exists(directory->file(meta_file)));
    if (!formatted)
        return fail(Errc::not_found, fmt::format("{} is not formatted; `moldau storage format` does it (a lost mount "
                                                 "looks the same: check that first)", path));
    auto lock = disk.lock(path);
    if (!lock) return std::unexpected(std::move(lock).error());
    directory->lock_ = std::move(*lock);
    MOLDAU_CHECK(directory->read_meta(node));
    MOLDAU_CHECK(directory->read_checkpoints());
    MOLDAU_TRY(entries, disk.list(path));
    for (const auto& entry : entries) {
        const auto name = parse_partition_directory(entry.name);
        if (entry.is_directory && name && name->kind == PartitionDirectoryKind::removed)
            directory->removed_.push_back(directory->file(entry.name));
    }
    MOLDAU_CHECK(directory->take_clean_mark());
    return directory;
}

Result<> LogDirectory::read_meta(NodeId node) {
    MOLDAU_TRY(content, runtime::read_whole(disk_, file(meta_file), max_small_file_bytes));
    auto meta = parse_directory_meta(text_of(content));
    if (!meta) return std::unexpected(std::move(meta).error().within(file(meta_file)));
    meta_ = std::move(*meta);
    if (meta_.node_id != node)
        return fail(Errc::invalid, fmt::format("{} belongs to node {}, but this is node {} (node.id)", path_,
                                               meta_.node_id, node));
    return {};
}

Result<> LogDirectory::read_checkpoints() {
    MOLDAU_TRY(recovery_points, read_offset_checkpoint(disk_, file(recovery_point_file)));
    MOLDAU_TRY(log_starts, read_offset_checkpoint(disk_, file(log_start_file)));
    MOLDAU_TRY(high_watermarks, read_offset_checkpoint(disk_, file(high_watermark_file)));
    recovery_points_ = std::move(recovery_points);
    log_starts_ = std::move(log_starts);
    high_watermarks_ = std::move(high_watermarks);
    return {};
}

Result<> LogDirectory::take_clean_mark() {
    const std::string path = file(clean_file);
    MOLDAU_TRY(there, disk_.exists(path));
    if (!there) return {};
    MOLDAU_TRY(content, runtime::read_whole(disk_, path, max_small_file_bytes));
    was_clean_ = true;
    previous_broker_epoch_ = BrokerEpoch(json_integer(text_of(content), "brokerEpoch").value_or(-1));
    MOLDAU_CHECK(disk_.remove(path));
    return disk_.sync_directory(path_);
}

std::string LogDirectory::path_of(const TopicPartition& partition) const {
    return file(partition_directory_name(partition));
}

Result<> LogDirectory::write_checkpoints(const Checkpoints& checkpoints) const {
    MOLDAU_CHECK(write_offset_checkpoint(disk_, file(recovery_point_file), checkpoints.recovery_points));
    MOLDAU_CHECK(write_offset_checkpoint(disk_, file(log_start_file), checkpoints.log_starts));
    return write_offset_checkpoint(disk_, file(high_watermark_file), checkpoints.high_watermarks);
}

Result<> LogDirectory::mark_clean(BrokerEpoch epoch) const {
    const std::string content = fmt::format("{{\"version\":0,\"brokerEpoch\":{}}}", epoch);
    return runtime::write_atomically(disk_, file(clean_file), bytes_of(content));
}

}  // namespace moldau::storage
