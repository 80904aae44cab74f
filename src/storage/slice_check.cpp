#include <algorithm>

#include <fmt/format.h>

#include <moldau/storage/log.h>
#include <moldau/storage/slice_check.h>

#include "batch_scanner.h"

namespace moldau::storage {
namespace {

/// So many bytes are looked at before others have their turn on the I/O pool.
constexpr std::size_t max_walk_bytes = 4 << 20;

}  // namespace

bool WalkedRange::covers(std::uint64_t begin, std::uint64_t end) const {
    const std::uint64_t known = packed_.load(std::memory_order_relaxed);
    return known >> 32 <= begin && end <= (known & UINT32_MAX);
}

void WalkedRange::add(std::uint64_t begin, std::uint64_t end) {
    const std::uint64_t known = packed_.load(std::memory_order_relaxed);
    if (const std::uint64_t known_begin = known >> 32, known_end = known & UINT32_MAX;
        begin <= known_end && known_begin <= end) {
        begin = std::min(begin, known_begin);
        end = std::max(end, known_end);
    }
    packed_.store(begin << 32 | end, std::memory_order_relaxed);
}

Result<> SliceCheck::run(LogSlice& slice) const {
    const std::uint64_t wanted_end = slice.position + std::min(slice.size_bytes, max_walk_bytes);
    Bytes buffer;
    BatchScanner scanner(*slice.file, begin, segment_bytes, BatchScanner::Depth::checksums, buffer);
    std::uint64_t right_end = begin;
    Offset least = segment_base;
    Offset expected = from;
    LeaderEpoch epoch = no_leader_epoch;
    // What goes further up than it must is believed unless the next batch contradicts it.
    bool offset_jumps = false;
    bool epoch_jumps = false;
    std::string_view damage;
    while (right_end < wanted_end && scanner.next()) {
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
        if (!contradicts) right_end = scanner.position();
        if (!damage.empty()) break;
        offset_jumps = batch.base_offset() > expected;
        epoch_jumps = its_epoch > epoch;
        if (!offset_jumps && !epoch_jumps) right_end = scanner.next_position();
        least = expected = batch.next_offset();
        epoch = std::max(epoch, its_epoch);
    }
    if (!scanner.status() && scanner.status().error().code != Errc::corrupt)
        return std::unexpected(Error(scanner.status().error()).within(path));
    // Nothing contradicts what stands before the end, or before what is no batch.
    if (damage.empty() && (!scanner.status() || scanner.next_position() == segment_bytes))
        right_end = scanner.next_position();
    if (!scanner.status()) damage = scanner.status().error().message;
    walked->add(begin, right_end);
    // What is damaged before the slice harms it only where what was asked for may be there.
    if (right_end < slice.position && slice.first_offset <= from) {
        SliceCheck alone = *this;
        alone.begin = slice.position;
        return alone.run(slice);
    }
    if (right_end <= slice.position)
        return fail(Errc::corrupt, fmt::format("{} at position {}: {}", path, right_end, damage));
    slice.size_bytes = std::min<std::uint64_t>(slice.size_bytes, right_end - slice.position);
    return {};
}

}  // namespace moldau::storage
