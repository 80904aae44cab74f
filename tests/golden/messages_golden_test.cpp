// Each encoding that Apache Kafka's classes wrote is decoded, printed as JSON, and encoded again.

#include <charconv>

#include <boost/json/src.hpp>
#include <gtest/gtest.h>
#include <zlib.h>

#include <moldau/base/bytes.h>
#include <moldau/protocol/message_types.h>

namespace moldau::protocol {
namespace {

struct Line {
    std::string name;
    std::int16_t version;
    std::string variant;
    Bytes encoding;
    std::string json;
};

Bytes from_hex(std::string_view hex) {
    Bytes bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        std::uint8_t byte = 0;
        std::from_chars(hex.data() + i, hex.data() + i + 2, byte, 16);
        bytes.push_back(byte);
    }
    return bytes;
}

Line parse_line(std::string_view text) {
    std::array<std::string_view, 4> words;
    for (auto& word : words) {
        const std::size_t blank = text.find(' ');
        word = text.substr(0, blank);
        text.remove_prefix(blank + 1);
    }
    int version = 0;
    std::from_chars(words[1].data(), words[1].data() + words[1].size(), version);
    return {.name = std::string(words[0]),
            .version = static_cast<std::int16_t>(version),
            .variant = std::string(words[2]),
            .encoding = from_hex(words[3]),
            .json = std::string(text)};
}

std::vector<Line> read_golden(const std::string& file) {
    const std::string path = std::string(GOLDEN_DIRECTORY) + "/" + file;
    gzFile input = gzopen(path.c_str(), "rb");
    if (input == nullptr) return {};
    std::string content;
    char buffer[1 << 16];
    for (int size = 0; (size = gzread(input, buffer, sizeof buffer)) > 0;)
        content.append(buffer, static_cast<std::size_t>(size));
    gzclose(input);
    std::vector<Line> lines;
    for (std::size_t at = 0; at < content.size();) {
        const std::size_t end = content.find('\n', at);
        lines.push_back(parse_line(std::string_view(content).substr(at, end - at)));
        at = end + 1;
    }
    return lines;
}

std::string hex_of(ByteView bytes) {
    std::string hex;
    for (const auto byte : bytes) fmt::format_to(std::back_inserter(hex), "{:02x}", byte);
    return hex;
}

void check(const Line& line) {
    SCOPED_TRACE(fmt::format("{} version {}, {}", line.name, line.version, line.variant));
    const MessageType* type = find_message_type(line.name);
    ASSERT_NE(type, nullptr);

    if (line.variant == "initial") {
        const std::string initial = type->describe_initial(line.version);
        EXPECT_EQ(boost::json::parse(initial), boost::json::parse(line.json)) << initial << "\n" << line.json;
        return;
    }
    const auto json = type->describe(line.encoding, line.version);
    ASSERT_TRUE(json.has_value()) << json.error().message;
    EXPECT_EQ(boost::json::parse(*json), boost::json::parse(line.json)) << *json << "\n" << line.json;

    const auto again = type->recode(line.encoding, line.version);
    ASSERT_TRUE(again.has_value()) << again.error().message;
    EXPECT_EQ(hex_of(*again), hex_of(line.encoding));
}

class MessagesGolden : public testing::TestWithParam<const char*> {};

TEST_P(MessagesGolden, are_read_and_written_as_kafka_does) {
    const auto lines = read_golden(GetParam());
    ASSERT_GT(lines.size(), 100U);
    for (const Line& line : lines) {
        check(line);
        if (HasFatalFailure()) return;
    }
}

TEST_P(MessagesGolden, that_are_cut_off_are_refused) {
    for (const Line& line : read_golden(GetParam())) {
        const MessageType* type = find_message_type(line.name);
        ASSERT_NE(type, nullptr);
        // Every place in short messages; in long ones, places that fall on all kinds of fields.
        const std::size_t step = line.encoding.size() < 300 ? 1 : 13;
        for (std::size_t size = 0; size < line.encoding.size(); size += step) {
            const Bytes cut(line.encoding.begin(), line.encoding.begin() + static_cast<std::ptrdiff_t>(size));
            ASSERT_FALSE(type->recode(cut, line.version).has_value()) << line.name << " cut at " << size;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Groups, MessagesGolden,
                         testing::Values("messages_request.txt.gz", "messages_response.txt.gz",
                                         "messages_record.txt.gz"));

TEST(MessagesGoldenFiles, cover_every_version_of_every_message) {
    std::set<std::pair<std::string, int>> covered;
    for (const char* file : {"messages_request.txt.gz", "messages_response.txt.gz", "messages_record.txt.gz"})
        for (const Line& line : read_golden(file)) covered.emplace(line.name, line.version);
    for (const MessageType& type : all_message_types())
        for (int version = type.min_version; version <= type.max_version; ++version)
            EXPECT_TRUE(covered.contains({std::string(type.name), version})) << type.name << " " << version;
}

}  // namespace
}  // namespace moldau::protocol
