#include <cstdio>

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

}  // namespace

void set_sink(Sink sink, Level lowest) {
    state().sink = std::move(sink);
    state().lowest = lowest;
}

bool enabled(Level level) {
    return level >= state().lowest;
}

void write(Level level, std::string_view line) {
    if (enabled(level)) state().sink(level, line);
}

}  // namespace moldau::log
