#include <algorithm>

#include <moldau/base/assert.h>
#include <moldau/storage/checkpoint_file.h>
#include <moldau/storage/leader_epoch_cache.h>

namespace moldau::storage {

bool LeaderEpochCache::assign(LeaderEpoch epoch, Offset start_offset) {
    MOLDAU_ASSERT(epoch.value() >= 0 && start_offset.value() >= 0);
    if (!entries_.empty() && entries_.back().epoch == epoch && start_offset >= entries_.back().start_offset)
        return false;
    while (!entries_.empty() && (entries_.back().epoch >= epoch || entries_.back().start_offset >= start_offset))
        entries_.pop_back();
    entries_.push_back({epoch, start_offset});
    return true;
}

std::optional<LeaderEpoch> LeaderEpochCache::latest_epoch() const {
    if (entries_.empty()) return std::nullopt;
    return entries_.back().epoch;
}

std::optional<EpochStart> LeaderEpochCache::earliest() const {
    if (entries_.empty()) return std::nullopt;
    return entries_.front();
}

std::optional<LeaderEpoch> LeaderEpochCache::epoch_of(Offset offset) const {
    const auto after = std::ranges::upper_bound(entries_, offset, {}, &EpochStart::start_offset);
    if (after == entries_.begin()) return std::nullopt;
    return std::prev(after)->epoch;
}

EpochEnd LeaderEpochCache::end_offset_for(LeaderEpoch epoch, Offset log_end) const {
    if (epoch == no_leader_epoch || entries_.empty()) return {};
    if (entries_.back().epoch == epoch) return {epoch, log_end};
    const auto higher = std::ranges::upper_bound(entries_, epoch, {}, &EpochStart::epoch);
    if (higher == entries_.end()) return {};
    if (higher == entries_.begin()) return {epoch, higher->start_offset};
    return {std::prev(higher)->epoch, higher->start_offset};
}

bool LeaderEpochCache::truncate_from_end(Offset end) {
    const std::size_t before = entries_.size();
    while (!entries_.empty() && entries_.back().start_offset >= end) entries_.pop_back();
    return entries_.size() != before;
}

bool LeaderEpochCache::truncate_from_start(Offset start) {
    const auto after = std::ranges::upper_bound(entries_, start, {}, &EpochStart::start_offset);
    if (after == entries_.begin()) return false;
    const auto holder = std::prev(after);
    if (holder == entries_.begin() && holder->start_offset == start) return false;
    holder->start_offset = start;
    entries_.erase(entries_.begin(), holder);
    return true;
}

bool LeaderEpochCache::clear() {
    const bool changed = !entries_.empty();
    entries_.clear();
    return changed;
}

std::string LeaderEpochCache::encode() const {
    std::vector<std::string> lines;
    lines.reserve(entries_.size());
    for (const EpochStart& entry : entries_) lines.push_back(fmt::format("{} {}", entry.epoch, entry.start_offset));
    return encode_checkpoint(lines);
}

Result<LeaderEpochCache> LeaderEpochCache::decode(std::string_view text) {
    LeaderEpochCache cache;
    MOLDAU_TRY(lines, decode_checkpoint(text));
    for (const std::vector<std::string_view>& words : lines) {
        const auto epoch = words.size() == 2 ? parse_integer(words[0]) : std::nullopt;
        const auto start = words.size() == 2 ? parse_integer(words[1]) : std::nullopt;
        if (!epoch || !start || *epoch < 0 || *epoch > INT32_MAX || *start < 0)
            return fail(Errc::invalid, "a line is not '<epoch> <start offset>'");
        cache.assign(LeaderEpoch(static_cast<std::int32_t>(*epoch)), Offset(*start));
    }
    return cache;
}

}  // namespace moldau::storage
