#include <fmt/format.h>

#include <moldau/storage/partition_metadata.h>

namespace moldau::storage {
namespace {

constexpr std::string_view partition_metadata_name = "partition.metadata";

std::optional<std::string_view> value_of(std::string_view text, std::string_view key) {
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (!line.starts_with(key)) continue;
        line.remove_prefix(key.size());
        if (!line.starts_with(':')) continue;
        line.remove_prefix(1);
        while (line.starts_with(' ')) line.remove_prefix(1);
        while (line.ends_with(' ') || line.ends_with('\r')) line.remove_suffix(1);
        return line;
    }
    return std::nullopt;
}

}  // namespace

Result<std::optional<TopicId>> read_partition_metadata(runtime::Disk& disk, const std::string& directory) {
    const std::string path = runtime::join_path(directory, partition_metadata_name);
    auto content = runtime::read_whole(disk, path);
    if (!content && content.error().code == Errc::not_found) return std::nullopt;
    if (!content) return std::unexpected(std::move(content).error().within(path));
    const auto version = value_of(text_of(*content), "version");
    const auto id_text = value_of(text_of(*content), "topic_id");
    const auto id = id_text ? Uuid::parse(*id_text) : std::nullopt;
    if (!version || *version != "0" || !id)
        return fail(Errc::invalid, fmt::format("{} is not 'version: 0' and 'topic_id: <id>'", path));
    return id;
}

Result<> write_partition_metadata(runtime::Disk& disk, const std::string& directory, const TopicId& id) {
    const std::string text = fmt::format("version: 0\ntopic_id: {}", id);
    return runtime::write_atomically(disk, runtime::join_path(directory, partition_metadata_name), bytes_of(text));
}

}  // namespace moldau::storage
