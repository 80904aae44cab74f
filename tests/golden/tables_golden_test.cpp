// The tables of APIs and error codes are Apache Kafka's.

#include <fstream>

#include <gtest/gtest.h>

#include <moldau/protocol/api_table.h>
#include <moldau/protocol/error_code.h>

namespace moldau::protocol {
namespace {

std::vector<std::string> read_lines(const std::string& file) {
    std::ifstream input(std::string(GOLDEN_DIRECTORY) + "/" + file);
    std::vector<std::string> lines;
    for (std::string line; std::getline(input, line);) lines.push_back(line);
    return lines;
}

std::string describe(const ApiInfo& api) {
    std::string line = fmt::format("{} {} {}{} {}", api.key, api.name, api.on_broker ? "b" : "",
                                   api.on_controller ? "c" : "", api.stable_version);
    for (std::int16_t version = api.min_version; version <= api.max_version; ++version)
        line += fmt::format(" {} {} {}", version, request_header_version(api.key, version),
                            response_header_version(api.key, version));
    return line;
}

TEST(ApiTable, is_kafkas) {
    std::map<std::int16_t, std::string> expected;
    for (const std::string& line : read_lines("apis.txt")) expected[static_cast<std::int16_t>(std::stoi(line))] = line;
    ASSERT_FALSE(expected.empty());

    std::map<std::int16_t, std::string> found;
    for (const ApiInfo& api : all_apis()) found[api.key] = describe(api);
    EXPECT_EQ(found, expected);
}

TEST(ErrorCodes, are_kafkas) {
    std::map<int, std::string> expected;
    for (const std::string& line : read_lines("errors.txt")) expected[std::stoi(line)] = line;
    ASSERT_FALSE(expected.empty());

    std::map<int, std::string> found;
    for (const ErrorCode code : all_error_codes()) {
        const int value = static_cast<int>(code);
        found[value] = fmt::format("{} {} {}", value, name_of(code), is_retriable(code));
    }
    EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace moldau::protocol
