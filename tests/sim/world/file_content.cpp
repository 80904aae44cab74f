#include "file_content.h"

#include <algorithm>
#include <map>

#include <moldau/base/assert.h>

namespace moldau::sim {

void FileContent::write(std::uint64_t position, ByteView bytes) {
    if (bytes.empty()) return;
    const std::uint64_t size_before = cached_.size();
    const std::uint64_t size_after = std::max<std::uint64_t>(size_before, position + bytes.size());
    cached_.resize(size_after);
    std::ranges::copy(bytes, cached_.begin() + static_cast<std::ptrdiff_t>(position));
    changes_.push_back({++last_sequence_, position, Bytes(bytes.begin(), bytes.end()), size_before, size_after});
}

void FileContent::resize(std::uint64_t size) {
    if (size == cached_.size()) return;
    changes_.push_back({++last_sequence_, size, {}, cached_.size(), size});
    cached_.resize(size);
}

void FileContent::apply(const Change& change, Bytes& to, std::uint64_t from, std::uint64_t until) {
    from = std::max(from, change.begin());
    until = std::min(until, change.end());
    for (std::uint64_t at = from; at < until; ++at)
        to[at] = change.truncates() ? 0 : change.bytes[at - change.position];
}

void FileContent::complete_sync(std::uint64_t point) {
    auto covered = changes_.begin();
    for (; covered != changes_.end() && covered->sequence <= point; ++covered) {
        durable_.resize(covered->size_after);
        if (!covered->truncates()) apply(*covered, durable_, covered->begin(), covered->end());
    }
    changes_.erase(changes_.begin(), covered);
}

void FileContent::fail_sync(std::uint64_t point, SimRandom& random) {
    auto covered = changes_.begin();
    std::map<std::uint64_t, bool> page_lost;
    for (; covered != changes_.end() && covered->sequence <= point; ++covered) {
        durable_.resize(covered->size_after);
        if (covered->truncates()) continue;
        for (std::uint64_t at = covered->begin(); at < covered->end();) {
            const std::uint64_t page = at / page_bytes;
            const auto [lost, first] = page_lost.try_emplace(page, false);
            if (first) lost->second = random.coin();
            const std::uint64_t until = std::min(covered->end(), (page + 1) * page_bytes);
            if (!lost->second) apply(*covered, durable_, at, until);
            at = until;
        }
    }
    changes_.erase(changes_.begin(), covered);
}

void FileContent::crash(SimRandom& random, Survival survival) {
    std::size_t sizes_kept = 0;
    if (survival == Survival::everything) sizes_kept = changes_.size();
    if (survival == Survival::anything) sizes_kept = random.between(0, changes_.size());
    const std::uint64_t size = sizes_kept == 0 ? durable_.size() : changes_[sizes_kept - 1].size_after;

    std::map<std::uint64_t, std::vector<std::size_t>> touching;
    std::uint64_t largest = durable_.size();
    for (std::size_t i = 0; i < changes_.size(); ++i) {
        largest = std::max(largest, changes_[i].size_after);
        for (std::uint64_t page = changes_[i].begin() / page_bytes; page * page_bytes < changes_[i].end(); ++page)
            touching[page].push_back(i);
    }
    Bytes result = durable_;
    result.resize(largest);
    for (const auto& [page, changes] : touching) crash_page(page, changes, sizes_kept, result, random, survival);
    result.resize(size);
    cached_ = result;
    durable_ = std::move(result);
    changes_.clear();
}

void FileContent::crash_page(std::uint64_t page, std::span<const std::size_t> touching, std::size_t sizes_kept,
                             Bytes& result, SimRandom& random, Survival survival) const {
    // The page shows the first `kept` of its changes, within what the surviving size allows.
    std::size_t fewest = 0;
    std::size_t most = touching.size();
    for (std::size_t i = 0; i < touching.size(); ++i) {
        if (!changes_[touching[i]].truncates()) continue;
        if (touching[i] >= sizes_kept) {
            most = i;
            break;
        }
        fewest = i + 1;
    }
    const auto draw = [&] {
        if (survival == Survival::nothing) return fewest;
        if (survival == Survival::everything) return most;
        return static_cast<std::size_t>(random.between(fewest, most));
    };
    const bool torn = survival == Survival::anything && random.chance(250);
    std::size_t kept = draw();
    const std::uint64_t page_end = std::min<std::uint64_t>((page + 1) * page_bytes, result.size());
    for (std::uint64_t sector = page * page_bytes; sector < page_end; sector += sector_bytes) {
        if (torn) kept = draw();
        const std::uint64_t until = std::min(sector + sector_bytes, page_end);
        for (std::size_t i = 0; i < kept; ++i) apply(changes_[touching[i]], result, sector, until);
    }
}

std::uint64_t FileContent::safe_prefix() const {
    // A sync that failed has left pages behind that no change tells of.
    const auto differs = std::ranges::mismatch(cached_, durable_).in1;
    auto safe = static_cast<std::uint64_t>(differs - cached_.begin());
    for (const Change& change : changes_) safe = std::min(safe, change.begin());
    return safe;
}

}  // namespace moldau::sim
