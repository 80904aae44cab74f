#include "segment.h"

#include <utility>

#include <fmt/format.h>

#include <moldau/base/assert.h>
#include <moldau/base/log.h>
#include <moldau/storage/log_names.h>

namespace moldau::storage {
Segment::Segment(runtime::Disk& disk, const std::string& directory, Offset base, Timestamp opened_at,
                 std::string_view mark)
    : modified_at(opened_at),
      disk_(disk),
      stem_(runtime::join_path(directory, offset_file_name(base, ""))),
      mark_(mark),
      base_(base),
      opened_at_(opened_at),
      offset_index_(disk, path(suffix::index), base),
      time_index_(disk, path(suffix::time_index), base),
      transaction_index_(disk, path(suffix::txn_index), base) {}

std::string Segment::path(std::string_view suffix) const {
    return fmt::format("{}{}{}", stem_, suffix, mark_);
}

Result<> Segment::create() {
    // Before the log. Where a segment has none, Apache Kafka, starting after a crash, reads what lies before it without
    // having recovered that, and ends at the first hole.
    reset_indexes();
    MOLDAU_CHECK(write_indexes());
    MOLDAU_CHECK(transaction_index_.create());
    MOLDAU_TRY(file, file_.open(disk_, path(suffix::log), runtime::OpenMode::create));
    return file->truncate(0);
}

Result<> Segment::adopt_indexes(std::uint64_t index_bytes, std::uint64_t time_index_bytes) {
    largest_is_sure_ = false;
    MOLDAU_CHECK(offset_index_.file().adopt(index_bytes));
    return time_index_.file().adopt(time_index_bytes);
}

Result<std::shared_ptr<runtime::File>> Segment::file() {
    if (auto open = file_.get()) return open;  // without making up its name
    return file_.open(disk_, path(suffix::log), runtime::OpenMode::read_write);
}

void Segment::release_files() {
    file_.release();
    offset_index_.file().release();
    time_index_.file().release();
    transaction_index_.release();
}

void Segment::join(OpenFiles* files) {
    file_.join(files);
    offset_index_.file().join(files);
    time_index_.file().join(files);
    transaction_index_.join(files);
}

Result<> Segment::write(std::span<const ByteView> parts, std::uint64_t bytes, bool* broken) {
    MOLDAU_TRY(log_file, file());
    auto written = log_file->write_at(parts, size_);
    if (!written) {
        if (auto cut = log_file->truncate(size_); !cut) *broken = true;
        dirty = cut_back = true;
        return written;
    }
    size_ += bytes;
    dirty = true;
    return {};
}

void Segment::note(const protocol::BatchView& batch, std::uint64_t position, std::uint64_t size_bytes,
                   std::int32_t index_interval_bytes) {
    if (position == 0) first_timestamp_ = batch.max_timestamp();
    if (!largest_ || batch.max_timestamp() > largest_->timestamp)
        largest_ = {batch.max_timestamp(), batch.last_offset()};
    if (bytes_since_entry_ > static_cast<std::uint64_t>(index_interval_bytes)) {
        offset_index_.append(batch.last_offset(), position);
        time_index_.maybe_append(*largest_);
        bytes_since_entry_ = 0;
    }
    bytes_since_entry_ += size_bytes;
}

void Segment::reset_indexes() {
    offset_index_.file().start_empty();
    time_index_.file().start_empty();
    largest_.reset();
    largest_is_sure_ = true;
    first_timestamp_ = no_timestamp;
    bytes_since_entry_ = 0;
}

std::unexpected<Error> Segment::damage_at(std::uint64_t position, const Error& damage) const {
    return std::unexpected(Error(damage).within(fmt::format("{} at position {}", path(suffix::log), position)));
}

Result<Offset> Segment::note_from(std::uint64_t position, std::int32_t index_interval_bytes, Bytes& scratch) {
    MOLDAU_TRY(log_file, file());
    BatchScanner scanner(*log_file, position, size_, BatchScanner::Depth::headers, scratch);
    Offset next = base_;
    while (scanner.next()) {
        if (const auto damage = order_damage(scanner.batch(), base_, next); !damage.empty())
            return damage_at(scanner.position(), {Errc::corrupt, std::string(damage)});
        note(scanner.batch(), scanner.position(), scanner.size_bytes(), index_interval_bytes);
        next = scanner.batch().next_offset();
    }
    if (!scanner.status()) return damage_at(scanner.next_position(), scanner.status().error());
    return next;
}

Result<std::optional<Offset>> Segment::end_by_indexes(Bytes& scratch) {
    MOLDAU_TRY(entry, offset_index_.read_last());
    MOLDAU_TRY(log_file, file());
    BatchScanner scanner(*log_file, entry.position, size_, BatchScanner::Depth::headers, scratch);
    Offset first = no_offset;
    Offset next = base_;
    Timestamp largest = no_timestamp;
    while (scanner.next()) {
        if (!order_damage(scanner.batch(), base_, next).empty()) return std::nullopt;
        // Kafka's entries of a group of batches name the group's last offset and its first batch.
        if (first == no_offset && entry.position > 0 && scanner.batch().last_offset() > entry.offset)
            return std::nullopt;
        if (first == no_offset) first = scanner.batch().base_offset();
        largest = std::max(largest, scanner.batch().max_timestamp());
        next = scanner.batch().next_offset();
    }
    if (!scanner.status() && scanner.status().error().code != Errc::corrupt)
        return std::unexpected(scanner.status().error());
    if (!scanner.status() || next <= entry.offset) {
        if (size_ > 0) return std::nullopt;
        return next;
    }
    // The time index ends with the segment's largest timestamp.
    MOLDAU_TRY(newest, time_index_.last());
    if (newest.offset >= next || (newest.offset >= first ? newest.timestamp != largest : newest.timestamp < largest))
        return std::nullopt;
    return next;
}

Result<Timestamp> Segment::first_timestamp(Bytes& scratch) {
    if (first_timestamp_ != no_timestamp || size_ == 0) return first_timestamp_;
    MOLDAU_TRY(log_file, file());
    BatchScanner scanner(*log_file, 0, size_, BatchScanner::Depth::headers, scratch);
    if (!scanner.next()) return damage_at(0, scanner.status().error());
    return first_timestamp_ = scanner.batch().max_timestamp();
}

Result<bool> Segment::has_gaps(Bytes& scratch) {
    MOLDAU_TRY(log_file, file());
    BatchScanner scanner(*log_file, 0, size_, BatchScanner::Depth::headers, scratch);
    Offset next = base_;
    while (scanner.next()) {
        const protocol::BatchView& batch = scanner.batch();
        if (batch.base_offset() != next || batch.count() != batch.last_offset_delta() + 1) return true;
        next = batch.next_offset();
    }
    if (!scanner.status()) return damage_at(scanner.next_position(), scanner.status().error());
    return false;
}

Result<std::uint64_t> Segment::load_indexes(Offset trusted_end, Bytes& scratch) {
    reset_indexes();
    if (size_ == 0) return 0;
    MOLDAU_CHECK(offset_index_.file().load());
    MOLDAU_CHECK(time_index_.file().load());
    offset_index_.drop_implausible(size_);
    while (offset_index_.file().count() > 0 && offset_index_.last().offset >= trusted_end) offset_index_.drop_last();
    MOLDAU_TRY(log_file, file());
    BatchScanner first(*log_file, 0, size_, BatchScanner::Depth::headers, scratch);
    if (!first.next() || offset_index_.file().count() == 0) {
        reset_indexes();
        return 0;
    }
    const OffsetIndex::Entry last = offset_index_.last();
    const Timestamp first_timestamp = first.batch().max_timestamp();
    BatchScanner at_last(*log_file, last.position, size_, BatchScanner::Depth::headers, scratch);
    // An entry that leads beside a batch was not written for this content. (Kafka's of a group of batches name the
    // group's last offset and its first batch.)
    if (!at_last.next() || at_last.batch().last_offset() > last.offset || at_last.batch().base_offset() < base_) {
        reset_indexes();
        return 0;
    }
    // The last entry is dropped and made again with the batches from there on.
    offset_index_.drop_last();
    if (offset_index_.file().count() > 0 && offset_index_.last().offset >= at_last.batch().base_offset()) {
        reset_indexes();
        return 0;
    }
    time_index_.drop_implausible();
    time_index_.truncate_to_offset(at_last.batch().base_offset());
    // Each entry of the one has brought one to the other.
    if (offset_index_.file().count() > 0 && time_index_.file().count() == 0 && first_timestamp.value() >= 0) {
        reset_indexes();
        return 0;
    }
    MOLDAU_TRY(largest, time_index_.last());
    largest_ = largest;
    largest_is_sure_ = false;
    first_timestamp_ = first_timestamp;
    bytes_since_entry_ = UINT32_MAX;
    return last.position;
}

Result<> Segment::finish_indexes() {
    if (largest_) time_index_.maybe_append(*largest_);
    return write_indexes();
}

void Segment::seal() {
    offset_index_.file().seal();
    time_index_.file().seal();
    index_dirty = true;
}

Result<> Segment::write_indexes() {
    MOLDAU_CHECK(offset_index_.file().write_pending());
    return time_index_.file().write_pending();
}

Result<std::optional<BatchPlace>> Segment::find(Offset offset, Bytes& scratch) {
    MOLDAU_TRY(entry, offset_index_.floor(offset));
    forget_unless_cached(entry.position);
    return find_from(entry.position, offset, scratch);
}

Result<std::optional<BatchPlace>> Segment::find_from(std::uint64_t position, Offset offset, Bytes& scratch) {
    MOLDAU_TRY(log_file, file());
    BatchScanner scanner(*log_file, position, size_, BatchScanner::Depth::headers, scratch);
    bool more = scanner.next();
    // An entry that leads beside a batch, or behind what is sought, was not written for this content: then from the
    // start.
    const bool leads_astray = more ? scanner.batch().base_offset() > offset
                                   : scanner.status() || scanner.status().error().code == Errc::corrupt;
    if (position > 0 && leads_astray) return find_from(0, offset, scratch);
    for (; more; more = scanner.next()) {
        if (scanner.batch().last_offset() < offset) continue;
        return BatchPlace{scanner.position(), scanner.size_bytes(), scanner.batch().base_offset(),
                          scanner.batch().last_offset()};
    }
    if (scanner.status()) return std::nullopt;
    return damage_at(scanner.next_position(), scanner.status().error());
}

bool Segment::forget_unless_cached(std::uint64_t position) {
    const auto log_file = file();
    std::uint8_t byte = 0;
    if (log_file && (*log_file)->try_read_at({&byte, 1}, position)) return true;
    written_from_ = size_;
    walked_.reset();
    return false;
}

bool Segment::is_known(std::uint64_t begin, std::uint64_t end) {
    const std::uint64_t walked_end = std::min(end, written_from_);
    if (begin < walked_end && !(walked_ && walked_->covers(begin, walked_end))) return false;
    return forget_unless_cached(end - 1);
}

std::uint64_t Segment::ahead_of(std::uint64_t begin, std::uint64_t end) const {
    return walked_ ? walked_->ahead_of(begin, end, written_from_) : 0;
}

std::shared_ptr<WalkedRange> Segment::walked() {
    if (!walked_) walked_ = std::make_shared<WalkedRange>();
    return walked_;
}

Result<> Segment::truncate(std::uint64_t size, Offset end) {
    MOLDAU_TRY(log_file, file());
    MOLDAU_CHECK(log_file->truncate(size));
    size_ = size;
    written_back = std::min(written_back, size);
    written_from_ = std::min(written_from_, size);
    walked_.reset();
    dirty = true;
    offset_index_.truncate_to_position(size);
    time_index_.truncate_to_offset(end);
    return {};
}

Result<TimeIndex::Entry> Segment::largest_timestamp() {
    if (!largest_) {
        MOLDAU_TRY(last, time_index_.last());
        largest_ = last;
    }
    return *largest_;
}

Result<Timestamp> Segment::retention_timestamp() {
    MOLDAU_TRY(largest, largest_timestamp());
    return largest.timestamp.value() >= 0 ? largest.timestamp : modified_at;
}

Result<TimeIndex::Entry> Segment::largest_timestamp_from(std::uint64_t position, Bytes& scratch) {
    MOLDAU_TRY(log_file, file());
    BatchScanner scanner(*log_file, position, size_, BatchScanner::Depth::headers, scratch);
    TimeIndex::Entry largest{no_timestamp, base_};
    while (scanner.next())
        if (scanner.batch().max_timestamp() > largest.timestamp)
            largest = {scanner.batch().max_timestamp(), scanner.batch().last_offset()};
    if (!scanner.status()) return damage_at(scanner.next_position(), scanner.status().error());
    return largest;
}

Result<> Segment::confirm_largest_timestamp(Bytes& scratch) {
    if (largest_is_sure_) return {};
    MOLDAU_TRY(told, largest_timestamp());
    MOLDAU_TRY(place, find(told.offset, scratch));
    bool agrees = false;
    if (place) {
        MOLDAU_TRY(seen, largest_timestamp_from(place->position, scratch));
        agrees = seen.timestamp == told.timestamp && seen.offset == place->last_offset;
    }
    if (!agrees) {
        log::warn("{} does not fit its log: the batches' own timestamps count", path(suffix::time_index));
        MOLDAU_TRY(seen, largest_timestamp_from(0, scratch));
        largest_ = seen;
    }
    largest_is_sure_ = true;
    return {};
}

std::int64_t Segment::waited_for_roll(Timestamp now, Timestamp batch_timestamp) const {
    return first_timestamp_.value() >= 0 ? batch_timestamp - first_timestamp_ : now - opened_at_;
}

bool Segment::indexes_full(std::size_t more_entries, std::int32_t segment_index_bytes) const {
    const auto bytes = static_cast<std::size_t>(segment_index_bytes);
    return offset_index_.file().count() + more_entries >= bytes / OffsetIndex::entry_bytes ||
           time_index_.file().count() + more_entries + 1 >= bytes / TimeIndex::entry_bytes;
}

Result<> Segment::mark_deleted(std::vector<std::string>& files) {
    for (const std::string_view each : suffix::log_first) {
        const std::string from = path(each);
        std::string to = fmt::format("{}{}", from, suffix::deleted);
        auto done = disk_.rename(from, to);
        if (done) {
            files.push_back(std::move(to));
        } else if (done.error().code == Errc::not_found) {
            continue;
        } else if (each == suffix::log) {
            return done;
        } else {
            log::warn("{} keeps its name: {}", from, done.error().message);
        }
    }
    return {};
}

Result<> Segment::remove() {
    release_files();
    for (const std::string_view each : suffix::log_first) {
        auto done = disk_.remove(path(each));
        if (!done && done.error().code != Errc::not_found) return done;
    }
    return {};
}

Result<> Segment::rename(std::string_view mark) {
    // As often as it takes: a name that has changed is known at once.
    for (const std::string_view each : suffix::log_last) {
        std::string to = fmt::format("{}{}{}", stem_, each, mark);
        auto done = disk_.rename(path(each), to);
        if (!done && (done.error().code != Errc::not_found || each == suffix::log)) return done;
        if (each == suffix::index) {
            offset_index_.file().rename(std::move(to));
        } else if (each == suffix::time_index) {
            time_index_.file().rename(std::move(to));
        } else if (each == suffix::txn_index) {
            transaction_index_.rename(std::move(to));
        }
    }
    mark_ = mark;
    return {};
}

}  // namespace moldau::storage
