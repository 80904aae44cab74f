#include <cstdio>
#include <string>

#include <moldau/base/log.h>

namespace moldau::log {
namespace {

struct State {
    Sink sink = [](Level level, std::string_view line) {
        std::fprintf(stderr, "%s %.*s\n", level == Level::error ? "ERROR" : "WARN", static_cast<int>(line.size()),
                     line.data());
    };
    Level lowest = Level::warn;
};

State& state() {
    static State instance;
    return instance;
}

/// Of ASCII, and U+0080 to U+009F, whose first byte in UTF-8 is 0xC2.
bool is_control(unsigned char byte, unsigned char before) {
    return byte < 0x20 || byte == 0x7f || (before == 0xc2 && byte >= 0x80 && byte < 0xa0);
}

/// Lines hold texts of clients, who are not to begin lines of their own, nor to speak to a terminal.
std::string escaped(std::string_view line) {
    std::string text;
    unsigned char before = 0;
    for (const char character : line) {
        const auto byte = static_cast<unsigned char>(character);
        if (character == '\n') {
            text += "\\n";
        } else if (is_control(byte, before)) {
            if (byte >= 0x80) text.pop_back();
            text += fmt::format("\\x{:02x}", byte);
        } else {
            text += character;
        }
        before = byte;
    }
    return text;
}

}  // namespace

void set_sink(Sink sink, Level lowest) {
    state().sink = std::move(sink);
    state().lowest = lowest;
}

bool enabled(Level level) {
    return level >= state().lowest;
}

void write(Level level, std::string_view line) {
    if (enabled(level)) state().sink(level, escaped(line));
}

}  // namespace moldau::log
