// What LogLoader does after a crash: everything from the recovery point on is read and checked.

#include <optional>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include <moldau/base/log.h>
#include <moldau/storage/log_names.h>

#include "log_loader.h"

namespace moldau::storage {

Result<> LogLoader::check_nothing_lost(const Segment& segment, std::uint64_t position, std::string_view damage) const {
    // What lies before the log start was deleted by its owner.
    if (next_ >= required_end() || options_.log_start >= required_end()) return {};
    return refuse({Errc::corrupt, fmt::format("{} at position {}: {}; {}", segment.path(suffix::log), position, damage,
                                              must_be_there(next_))});
}

// The next start may know no more who wrote this: it would take what stands behind the gap for what follows a lost
// tail.
Result<> LogLoader::note_gap(Offset next_base) {
    has_gap_ = true;
    log::warn("{}: there is nothing between the offsets {} and {}: compaction has taken it, or a segment is missing",
              log_.directory_, next_, next_base);
    if (std::exchange(gaps_are_noted_, true)) return {};
    return synced(runtime::write_atomically(log_.disk_, log_.path_of(gaps_file_name), {}));
}

Result<> LogLoader::recover_from(std::map<Offset, Files>::iterator first) {
    next_ = first->first;
    bool whole = true;
    for (auto each = first; each != files_.end(); ++each) {
        const Offset base = each->first;
        // Our segments begin where the one before ends: a gap is a tail that did not reach the disk.
        const bool lost_tail = each != first && (base < next_ || (base > next_ && !may_have_gaps()));
        if (!whole || lost_tail) {
            Segment& last = *log_.segments_.back();
            MOLDAU_CHECK(check_nothing_lost(last, last.size_bytes(), "the file ends too early"));
            log::warn("{}: offsets from {} on were never durable; segment {} is removed", log_.directory_, next_, base);
            whole = false;
            Segment gone(log_.disk_, log_.directory_, base, options_.now);
            MOLDAU_CHECK(gone.remove());
            removed_ = true;
            continue;
        }
        if (each != first && base > next_) MOLDAU_CHECK(note_gap(base));
        if (each != first) {
            Segment& before = *log_.segments_.back();
            MOLDAU_CHECK(before.finish_indexes());
            before.seal();
            before.release_files();
        }
        log_.segments_.push_back(segment_of(base, each->second));
        MOLDAU_TRY(kept_all, recover_segment(*log_.segments_.back(), each->second.index_bytes.has_value()));
        whole = kept_all;
    }
    Segment& last = *log_.segments_.back();
    return check_nothing_lost(last, last.size_bytes(), "the file ends too early");
}

Result<bool> LogLoader::recover_segment(Segment& segment, bool has_index) {
    next_ = segment.base();
    std::uint64_t from = 0;
    if (has_index) {
        MOLDAU_TRY(indexed, segment.load_indexes(options_.recovery_point, log_.scratch_));
        from = indexed;
    } else {
        segment.reset_indexes();
    }
    MOLDAU_TRY(file, segment.file());
    BatchScanner scanner(*file, from, segment.size_bytes(), BatchScanner::Depth::checksums, log_.scratch_);
    std::string damage;
    std::uint64_t end = from;
    std::uint64_t surely_durable = from;
    struct Place {
        std::uint64_t position;
        Offset next;
    };
    std::optional<Place> jump;  // of the batch before, where it left a gap
    while (scanner.next()) {
        const protocol::BatchView& batch = scanner.batch();
        const LeaderEpoch epoch = batch.partition_leader_epoch();
        if (!scanner.crc_ok()) {
            damage = "the CRC is wrong";
        } else if (const std::string_view order = order_damage(batch, segment.base(), next_); !order.empty()) {
            damage = order;
            // No checksum covers a base offset: the batch that contradicts a gap shows that there is none.
            if (jump && batch.base_offset() >= jump->next) std::tie(end, next_) = std::tie(jump->position, jump->next);
        } else if (epoch != no_leader_epoch && epoch < epoch_) {
            damage = "the leader epoch goes back";
        }
        if (!damage.empty()) break;
        jump.reset();
        const bool knows_next = from == 0 || scanner.position() > from;
        if (knows_next && batch.base_offset() > next_) jump = {scanner.position(), next_};
        segment.note(batch, scanner.position(), scanner.size_bytes(), log_.config_.index_interval_bytes);
        next_ = batch.next_offset();
        end = scanner.next_position();
        if (next_ <= options_.recovery_point) surely_durable = end;
        if (batch.is_control() && batch.has_producer_id() && batch.base_offset() >= options_.recovery_point)
            indexed_end_ = std::min(indexed_end_, batch.base_offset());
        if (epoch == no_leader_epoch) continue;
        epoch_ = epoch;
        if (const auto latest = log_.epochs_.latest_epoch(); !latest || *latest < epoch)
            log_.assign_epoch(epoch, batch.base_offset());
    }
    const bool whole = damage.empty() && scanner.status();
    if (!whole) {
        if (damage.empty() && scanner.status().error().code != Errc::corrupt)
            return std::unexpected(scanner.status().error());
        if (damage.empty()) damage = scanner.status().error().message;
        MOLDAU_CHECK(check_nothing_lost(segment, end, damage));
        log::warn("{} at position {}: {}; {} bytes that were never durable are cut", segment.path(suffix::log), end,
                  damage, segment.size_bytes() - end);
        MOLDAU_CHECK(segment.truncate(end, next_));
        MOLDAU_CHECK(synced(file->sync()));
    }
    // An earlier life may have taken a failed write back, and ended before that was durable.
    segment.cut_back = whole;
    if (end == surely_durable) return whole;
    MOLDAU_CHECK(write_again(*file, surely_durable, end));
    // While its descriptor is there, to which the system tells of failed writes: not all can stay open until a flush.
    MOLDAU_CHECK(synced(file->sync()));
    segment.dirty = segment.cut_back = false;
    return whole;
}

Result<> LogLoader::rewind_transaction_indexes() {
    for (std::size_t i = log_.segment_index_of(options_.recovery_point); i < log_.segments_.size(); ++i) {
        Segment& segment = *log_.segments_[i];
        if (segment.transaction_index().is_empty()) continue;
        MOLDAU_TRY(known_end, segment.transaction_index().rewind(options_.recovery_point));
        segment.transactions_dirty = true;
        if (known_end < options_.recovery_point) indexed_end_ = std::min(indexed_end_, known_end);
    }
    return {};
}

// At once: the next flush begins behind what is durable.
Result<> LogLoader::settle_transaction_indexes() {
    for (const auto& segment : log_.segments_)
        if (std::exchange(segment->transactions_dirty, false))
            MOLDAU_CHECK(synced(segment->transaction_index().settle()));
    return {};
}

// What was scanned may be in the page cache alone, and even there count as written: the system drops pages whose
// writing failed, so that a later sync succeeds without them.
Result<> LogLoader::write_again(runtime::File& file, std::uint64_t from, std::uint64_t end) {
    constexpr std::uint64_t chunk_bytes = 1 << 20;
    Bytes chunk;
    for (std::uint64_t at = from; at < end; at += chunk.size()) {
        chunk.resize(std::min(chunk_bytes, end - at));
        MOLDAU_TRY(count, file.read_at(chunk, at));
        if (count != chunk.size()) return fail(Errc::io, fmt::format("the file ends at {} of {}", at + count, end));
        const ByteView parts[] = {chunk};
        const Result<> written = file.write_at(parts, at);
        // The bytes stay what they were: a full disk may refuse even that, where files are copied on write.
        if (!written && written.error().code != Errc::no_space) return written;
    }
    return {};
}

}  // namespace moldau::storage
