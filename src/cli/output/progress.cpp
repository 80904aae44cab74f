#include "output/progress.h"

#include <fmt/format.h>

namespace moldau::cli {

namespace {
constexpr runtime::Duration interval = std::chrono::seconds(1);
}  // namespace

std::string grouped(std::int64_t number) {
    std::string digits = std::to_string(number);
    const std::size_t first = number < 0 ? 1 : 0;
    for (std::size_t at = digits.size(); at > first + 3; at -= 3) digits.insert(at - 3, ",");
    return digits;
}

std::string summary_line(std::string_view verb, std::int64_t records, std::int64_t bytes, runtime::Duration elapsed) {
    const double seconds = std::max(1e-6, std::chrono::duration<double>(elapsed).count());
    const double mebibytes = static_cast<double>(bytes) / (1 << 20);
    return fmt::format("{} {} records, {:.1f} MiB, in {:.2f} s: {} records/s, {:.1f} MiB/s", verb, grouped(records),
                       mebibytes, seconds, grouped(static_cast<std::int64_t>(static_cast<double>(records) / seconds)),
                       mebibytes / seconds);
}

Progress::Progress(runtime::Shard& shard, Terminal& terminal, std::string verb, bool shown)
    : shard_(shard), terminal_(terminal), verb_(std::move(verb)), shown_(shown), began_(shard.now()) {
    if (shown_) arm();
}

void Progress::arm() {
    timer_ = shard_.timers().add(runtime::after(shard_.now(), interval), [this] {
        show(false);
        arm();
    });
}

void Progress::show(bool last) {
    // Goes back to the line's beginning and clears it.
    terminal_.write_error(
        fmt::format("\r\x1b[K{}{}", summary_line(verb_, records_, bytes_, shard_.now() - began_), last ? "\n" : ""));
}

void Progress::finish() {
    shard_.timers().cancel(timer_);
    if (shown_) show(true);
}

}  // namespace moldau::cli
