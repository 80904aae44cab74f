#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include <moldau/base/assert.h>
#include <moldau/storage/log_names.h>

namespace moldau::storage {
namespace {

constexpr std::size_t offset_digits = 20;
constexpr std::size_t longest_name = 255;
constexpr std::size_t unique_digits = 32;

struct KindSuffix {
    PartitionDirectoryKind kind;
    std::string_view text;
};
constexpr KindSuffix kind_suffixes[] = {{PartitionDirectoryKind::removed, "-delete"},
                                        {PartitionDirectoryKind::future, "-future"},
                                        {PartitionDirectoryKind::stray, "-stray"}};

std::optional<TopicPartition> parse_topic_partition(std::string_view text) {
    const std::size_t dash = text.rfind('-');
    if (dash == std::string_view::npos || dash == 0) return std::nullopt;
    const std::string_view digits = text.substr(dash + 1);
    const auto partition = parse_integer(digits);
    if (!partition || *partition < 0 || *partition > INT32_MAX || digits.starts_with('-')) return std::nullopt;
    return TopicPartition{std::string(text.substr(0, dash)), PartitionIndex(static_cast<std::int32_t>(*partition))};
}

}  // namespace

std::string offset_file_name(Offset offset, std::string_view suffix) {
    return fmt::format("{:020}{}", offset.value(), suffix);
}

std::optional<Offset> offset_in_name(std::string_view name, std::string_view suffix) {
    if (name.size() != offset_digits + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
    const std::string_view digits = name.substr(0, offset_digits);
    if (!std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
    const auto offset = parse_integer(digits);
    if (!offset) return std::nullopt;
    return Offset(*offset);
}

std::optional<PartitionDirectoryName> parse_partition_directory(std::string_view name) {
    for (const KindSuffix& known : kind_suffixes) {
        if (!name.ends_with(known.text)) continue;
        const std::string_view front = name.substr(0, name.size() - known.text.size());
        const std::size_t dot = front.rfind('.');
        if (dot == std::string_view::npos || front.size() - dot - 1 != unique_digits) continue;
        auto partition = parse_topic_partition(front.substr(0, dot));
        if (!partition) return std::nullopt;
        return PartitionDirectoryName{std::move(*partition), known.kind};
    }
    auto partition = parse_topic_partition(name);
    if (!partition) return std::nullopt;
    return PartitionDirectoryName{std::move(*partition), PartitionDirectoryKind::current};
}

std::string partition_directory_name(const TopicPartition& partition) {
    return fmt::format("{}-{}", partition.topic, partition.partition);
}

std::string partition_directory_name(const TopicPartition& partition, PartitionDirectoryKind kind, const Uuid& unique) {
    const auto known = std::ranges::find(kind_suffixes, kind, &KindSuffix::kind);
    MOLDAU_ASSERT(known != std::end(kind_suffixes));
    std::string tail = fmt::format("-{}.", partition.partition);
    for (const std::uint8_t byte : unique.bytes) tail += fmt::format("{:02x}", byte);
    tail += known->text;
    return partition.topic.substr(0, longest_name - std::min(longest_name, tail.size())) + tail;
}

}  // namespace moldau::storage
