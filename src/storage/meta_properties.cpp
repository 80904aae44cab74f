#include <map>

#include <fmt/format.h>

#include <moldau/storage/checkpoint_file.h>
#include <moldau/storage/meta_properties.h>

namespace moldau::storage {
namespace {

constexpr std::string_view meta_properties_name = "meta.properties";

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\f";
    const std::size_t begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) ++i;
        out += text[i];
    }
    return out;
}

// What Java's properties offer beyond this (continued lines, \u escapes) no value of this file needs.
std::map<std::string, std::string> parse_properties(std::string_view text) {
    std::map<std::string, std::string> properties;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::string_view line = trimmed(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.empty() || line.starts_with('#') || line.starts_with('!')) continue;
        const std::size_t separator = line.find_first_of("=:");
        if (separator == std::string_view::npos) continue;
        properties[unescaped(trimmed(line.substr(0, separator)))] = unescaped(trimmed(line.substr(separator + 1)));
    }
    return properties;
}

}  // namespace

Result<MetaProperties> decode_meta_properties(std::string_view text) {
    const auto properties = parse_properties(text);
    const auto value = [&](const char* key) -> std::optional<std::string> {
        const auto found = properties.find(key);
        if (found == properties.end()) return std::nullopt;
        return found->second;
    };
    if (value("version") != "1")
        return fail(Errc::invalid,
                    fmt::format("version '{}' of meta.properties; 1 is known", value("version").value_or("")));
    MetaProperties out;
    const auto node = value("node.id");
    const auto node_id = node ? parse_integer(*node) : std::nullopt;
    if (!node_id || *node_id < 0 || *node_id > INT32_MAX)
        return fail(Errc::invalid, fmt::format("node.id '{}' of meta.properties is no node id", node.value_or("")));
    out.node_id = NodeId(static_cast<std::int32_t>(*node_id));
    if (!value("cluster.id")) return fail(Errc::invalid, "meta.properties has no cluster.id");
    out.cluster_id = *value("cluster.id");
    if (const auto directory = value("directory.id")) {
        out.directory_id = Uuid::parse(*directory);
        if (!out.directory_id)
            return fail(Errc::invalid, fmt::format("directory.id '{}' of meta.properties is no id", *directory));
    }
    return out;
}

std::string encode_meta_properties(const MetaProperties& properties) {
    std::string text = fmt::format("#\nnode.id={}\n", properties.node_id);
    if (properties.directory_id) text += fmt::format("directory.id={}\n", *properties.directory_id);
    text += fmt::format("version=1\ncluster.id={}\n", properties.cluster_id);
    return text;
}

Result<std::optional<MetaProperties>> read_meta_properties(runtime::Disk& disk, const std::string& directory) {
    const std::string path = runtime::join_path(directory, meta_properties_name);
    auto content = runtime::read_whole(disk, path);
    if (!content && content.error().code == Errc::not_found) return std::nullopt;
    if (!content) return std::unexpected(std::move(content).error().within(path));
    auto properties = decode_meta_properties(text_of(*content));
    if (!properties) return std::unexpected(std::move(properties).error().within(path));
    return *properties;
}

}  // namespace moldau::storage
