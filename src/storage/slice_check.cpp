#include <algorithm>

#include <fmt/format.h>

#include <moldau/storage/log.h>
#include <moldau/storage/slice_check.h>

#include "batch_scanner.h"

namespace moldau::storage {
namespace {

/// So many bytes are looked at before others have their turn on the I/O pool.
constexpr std::size_t max_walk_bytes = 4 << 20;
/// So many are worth a turn that nobody waits for.
constexpr std::size_t min_ahead_bytes = 1 << 20;

}  // namespace

WalkedRange::Range WalkedRange::known() const {
    const std::uint64_t packed = packed_.load(std::memory_order_relaxed);
    return {packed >> 32, packed & UINT32_MAX};
}

bool WalkedRange::covers(std::uint64_t begin, std::uint64_t end) const {
    const Range range = known();
    return range.begin <= begin && end <= range.end;
}

std::uint64_t WalkedRange::ahead_of(std::uint64_t begin, std::uint64_t end, std::uint64_t limit) const {
    const Range range = known();
    const std::uint64_t size = std::min(end - begin, max_walk_bytes);
    end = begin + size;
    if (!range.is_touched_by(begin, begin) || range.end >= std::min(end + size, limit)) return 0;
    return std::min(end + std::max(size, min_ahead_bytes), limit);
}

std::optional<Walk> WalkedRange::at(std::uint64_t position) const {
    const Range range = known();
    if (!range.is_touched_by(position, position)) return std::nullopt;
    return Walk{.begin = range.begin, .end = range.end, .next = next_, .epoch = epoch_};
}

void WalkedRange::add(const Walk& walk) {
    Range range = known();
    if (!range.is_touched_by(walk.begin, walk.end)) range = {walk.begin, walk.begin};
    if (walk.end > range.end) {
        range.end = walk.end;
        next_ = walk.next;
        epoch_ = walk.epoch;
    }
    range.begin = std::min(range.begin, walk.begin);
    packed_.store(range.begin << 32 | range.end, std::memory_order_relaxed);
}

SliceCheck::Walked SliceCheck::walk(const runtime::File& file, const Walk& done, Offset least,
                                    std::uint64_t wanted_end) const {
    Bytes buffer;
    BatchScanner scanner(file, done.end, segment_bytes, BatchScanner::Depth::checksums, buffer);
    Walk right{.begin = done.end, .end = done.end, .next = done.next, .epoch = done.epoch};
    Offset expected = done.next;
    LeaderEpoch epoch = done.epoch;
    // What goes further up than it must is believed unless the next batch contradicts it.
    bool offset_jumps = false;
    bool epoch_jumps = false;
    std::string_view damage;
    while (right.end < wanted_end && scanner.next()) {
        const protocol::BatchView& batch = scanner.batch();
        const LeaderEpoch its_epoch = batch.partition_leader_epoch();
        bool contradicts = false;
        if (damage = order_damage(batch, segment_base, least); !damage.empty()) {
            contradicts = offset_jumps;
        } else if (batch.next_offset() > segment_end) {
            damage = "the offsets are higher than the segment's";
        } else if (its_epoch != no_leader_epoch && its_epoch < epoch) {
            damage = "the leader epoch goes back";
            contradicts = epoch_jumps && its_epoch.value() >= 0;
        } else if (its_epoch > latest_epoch) {
            damage = "the leader epoch is higher than the log's";
        } else if (!scanner.crc_ok()) {
            damage = "the CRC is wrong";
        }
        if (!contradicts) right = {right.begin, scanner.position(), expected, epoch};
        if (!damage.empty()) break;
        offset_jumps = batch.base_offset() > expected;
        epoch_jumps = its_epoch > epoch;
        least = expected = batch.next_offset();
        epoch = std::max(epoch, its_epoch);
        if (!offset_jumps && !epoch_jumps) right = {right.begin, scanner.next_position(), expected, epoch};
    }
    const bool is_corrupt = !scanner.status() && scanner.status().error().code == Errc::corrupt;
    if (!scanner.status() && !is_corrupt)
        return {.right = right, .status = std::unexpected(Error(scanner.status().error()).within(path))};
    // Nothing contradicts what stands before the end, or before what is no batch.
    if (damage.empty() && (is_corrupt || scanner.next_position() == segment_bytes))
        right = {right.begin, scanner.next_position(), expected, epoch};
    return {.right = right, .damage = is_corrupt ? scanner.status().error().message : std::string(damage)};
}

Result<> SliceCheck::run(LogSlice& slice) const {
    // Who walks where this begins probably finds what this wants. Nobody waits for one who is elsewhere.
    const auto turn = walked->covers(begin, begin) ? walked->turns.take() : walked->turns.take_if_free();
    const std::uint64_t wanted_end = slice.position + std::min(slice.size_bytes, max_walk_bytes);
    std::uint64_t right_end = begin;
    std::string damage;
    for (const std::uint64_t start : {begin, slice.position}) {
        if (const auto known = turn ? walked->at(start) : std::nullopt; known && known->end >= wanted_end) {
            right_end = known->end;  // somebody else was here meanwhile
        } else {
            Walked found =
                walk(*slice.file, {.end = start, .next = from, .epoch = no_leader_epoch}, segment_base, wanted_end);
            if (!found.status) return found.status;
            if (turn) walked->add(found.right);
            right_end = found.right.end;
            damage = std::move(found.damage);
        }
        // What is damaged before the slice harms it only where what was asked for may be there.
        if (right_end >= slice.position || slice.first_offset > from) break;
    }
    if (right_end <= slice.position)
        return fail(Errc::corrupt, fmt::format("{} at position {}: {}", path, right_end, damage));
    slice.size_bytes = std::min<std::uint64_t>(slice.size_bytes, right_end - slice.position);
    return {};
}

void SliceCheck::run_ahead(const LogSlice& slice) const {
    const auto turn = walked->turns.take_if_free();
    if (!turn) return;
    const auto known = walked->at(slice.position);
    if (known && known->end < ahead) walked->add(walk(*slice.file, *known, known->next, ahead).right);
}

}  // namespace moldau::storage
