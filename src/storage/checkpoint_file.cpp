#include <fmt/format.h>

#include <moldau/base/number.h>
#include <moldau/storage/checkpoint_file.h>

namespace moldau::storage {
namespace {

std::string_view take_line(std::string_view& text) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    for (;;) {
        const std::size_t begin = line.find_first_not_of(" \t");
        if (begin == std::string_view::npos) return words;
        line.remove_prefix(begin);
        const std::size_t end = line.find_first_of(" \t");
        words.push_back(line.substr(0, end));
        if (end == std::string_view::npos) return words;
        line.remove_prefix(end);
    }
}

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) {
    return parse_number<std::int64_t>(text);
}

std::string encode_checkpoint(std::span<const std::string> lines) {
    std::string text = fmt::format("0\n{}\n", lines.size());
    for (const std::string& line : lines) {
        text += line;
        text += '\n';
    }
    return text;
}

Result<std::vector<std::vector<std::string_view>>> decode_checkpoint(std::string_view text) {
    // Apache Kafka leaves an empty file where it has never had an entry.
    if (text.empty()) return std::vector<std::vector<std::string_view>>{};
    const std::string_view version = take_line(text);
    if (version != "0") return fail(Errc::invalid, fmt::format("version '{}' of a checkpoint; 0 is known", version));
    const std::string_view count_line = take_line(text);
    const auto count = parse_integer(count_line);
    if (!count || *count < 0) return fail(Errc::invalid, fmt::format("'{}' is not a count of entries", count_line));
    std::vector<std::vector<std::string_view>> entries;
    while (!text.empty()) {
        auto words = words_of(take_line(text));
        if (!words.empty()) entries.push_back(std::move(words));
    }
    if (static_cast<std::int64_t>(entries.size()) != *count)
        return fail(Errc::invalid, fmt::format("{} entries announced, {} found", *count, entries.size()));
    return entries;
}

std::string encode_offset_checkpoint(const OffsetsByPartition& offsets) {
    std::vector<std::string> lines;
    lines.reserve(offsets.size());
    for (const auto& [name, offset] : offsets)
        lines.push_back(fmt::format("{} {} {}", name.topic, name.partition, offset));
    return encode_checkpoint(lines);
}

Result<OffsetsByPartition> decode_offset_checkpoint(std::string_view text) {
    OffsetsByPartition offsets;
    MOLDAU_TRY(lines, decode_checkpoint(text));
    for (const std::vector<std::string_view>& words : lines) {
        const auto partition = words.size() == 3 ? parse_integer(words[1]) : std::nullopt;
        const auto offset = words.size() == 3 ? parse_integer(words[2]) : std::nullopt;
        if (!partition || !offset || *partition < 0 || *partition > INT32_MAX)
            return fail(Errc::invalid, "a line is not '<topic> <partition> <offset>'");
        offsets[{std::string(words[0]), PartitionIndex(static_cast<std::int32_t>(*partition))}] = Offset(*offset);
    }
    return offsets;
}

Result<OffsetsByPartition> read_offset_checkpoint(runtime::Disk& disk, const std::string& path) {
    auto content = runtime::read_whole(disk, path);
    if (!content && content.error().code == Errc::not_found) return OffsetsByPartition{};
    if (!content) return std::unexpected(std::move(content).error().within(path));
    auto offsets = decode_offset_checkpoint(text_of(*content));
    if (!offsets) return std::unexpected(std::move(offsets).error().within(path));
    return offsets;
}

Result<> write_offset_checkpoint(runtime::Disk& disk, const std::string& path, const OffsetsByPartition& offsets) {
    return runtime::write_atomically(disk, path, bytes_of(encode_offset_checkpoint(offsets)));
}

}  // namespace moldau::storage
