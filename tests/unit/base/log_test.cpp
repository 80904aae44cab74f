#include <string>

#include <gtest/gtest.h>

#include <moldau/base/log.h>

namespace moldau {
namespace {

std::string line_of(std::string_view text) {
    std::string written;
    log::set_sink([&written](log::Level, std::string_view line) { written = line; }, log::Level::warn);
    log::warn("group '{}'", text);
    log::set_sink([](log::Level, std::string_view) {}, log::Level::warn);
    return written;
}

TEST(Log, KeepsTextsOfClientsOnTheirLine) {
    EXPECT_EQ(line_of("g'\n2026-11-21 error   forged"), "group 'g'\\n2026-11-21 error   forged'");
    EXPECT_EQ(line_of("a\rb\tc\x7f"), "group 'a\\x0db\\x09c\\x7f'");
    EXPECT_EQ(line_of(std::string_view("\0", 1)), "group '\\x00'");
}

TEST(Log, DoesNotSpeakToTerminals) {
    EXPECT_EQ(line_of("\x1b[31m"), "group '\\x1b[31m'");
    EXPECT_EQ(line_of("\xc2\x9b"
                      "31m"),
              "group '\\x9b31m'");
}

TEST(Log, LeavesOtherTextAsItIs) {
    EXPECT_EQ(line_of("Größe \\ 大 \xc2\xa0"), "group 'Größe \\ 大 \xc2\xa0'");
}

}  // namespace
}  // namespace moldau
