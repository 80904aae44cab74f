#include <algorithm>

#include <fmt/format.h>

#include <moldau/base/assert.h>
#include <moldau/base/crc32c.h>
#include <moldau/base/log.h>
#include <moldau/storage/log_directory.h>

namespace moldau::storage {
namespace {

constexpr std::string_view clean_marker_file = ".kafka_cleanshutdown";
/// Our own: the checksums of the two last high watermark files that we wrote. Where the file has another, Apache Kafka
/// was here since.
constexpr std::string_view author_file = ".moldau-checkpoint";

// Kafka's is {"version":0,"brokerEpoch":5}; the number is all that is needed of it.
BrokerEpoch broker_epoch_in(std::string_view json) {
    const std::size_t key = json.find("\"brokerEpoch\"");
    if (key == std::string_view::npos) return no_broker_epoch;
    std::size_t begin = json.find(':', key);
    if (begin == std::string_view::npos) return no_broker_epoch;
    begin = json.find_first_not_of(" \t\r\n", begin + 1);
    if (begin == std::string_view::npos) return no_broker_epoch;
    const std::size_t end = json.find_first_not_of("-0123456789", begin);
    const auto epoch = parse_integer(json.substr(begin, end == std::string_view::npos ? end : end - begin));
    return epoch ? BrokerEpoch(*epoch) : no_broker_epoch;
}

Offset find_or(const OffsetsByPartition& offsets, const TopicPartition& partition, Offset otherwise) {
    const auto found = offsets.find(partition);
    return found == offsets.end() ? otherwise : found->second;
}

// True when it changed.
bool lower(OffsetsByPartition& offsets, const TopicPartition& partition, Offset offset) {
    const auto found = offsets.find(partition);
    if (found == offsets.end() || found->second <= offset) return false;
    found->second = offset;
    return true;
}

// True when it was there.
bool erase(Checkpoints& checkpoints, const TopicPartition& partition) {
    return checkpoints.recovery_points.erase(partition) + checkpoints.log_starts.erase(partition) +
               checkpoints.high_watermarks.erase(partition) + checkpoints.first_dirty.erase(partition) >
           0;
}

}  // namespace

Result<std::unique_ptr<LogDirectory>> LogDirectory::open(runtime::Disk& disk, std::string path) {
    std::unique_ptr<LogDirectory> directory(new LogDirectory(disk, std::move(path)));
    if (auto loaded = directory->load(); !loaded) return std::unexpected(std::move(loaded).error());
    return directory;
}

Result<> LogDirectory::load() {
    MOLDAU_TRY(lock, disk_.lock(path_));
    lock_ = std::move(lock);
    MOLDAU_TRY(meta, read_meta_properties(disk_, path_));
    meta_ = std::move(meta);
    MOLDAU_TRY(recovery_points, read_offset_checkpoint(disk_, path_of(recovery_points_file_name)));
    MOLDAU_TRY(log_starts, read_offset_checkpoint(disk_, path_of(log_starts_file_name)));
    MOLDAU_TRY(high_watermarks, read_offset_checkpoint(disk_, path_of(high_watermarks_file_name)));
    at_start_ = {std::move(recovery_points), std::move(log_starts), std::move(high_watermarks), {}};
    // Without it logs are compacted from their start on.
    auto first_dirty = read_offset_checkpoint(disk_, path_of(cleaner_offsets_file_name));
    if (!first_dirty && first_dirty.error().code != Errc::invalid)
        return std::unexpected(std::move(first_dirty).error());
    if (!first_dirty) log::warn("{}; it is made anew", first_dirty.error().message);
    if (first_dirty) at_start_.first_dirty = std::move(*first_dirty);
    written_ = at_start_;
    MOLDAU_CHECK(load_clean_marker());
    MOLDAU_CHECK(load_author());
    // Not carried into a file of ours, where they would count.
    if (written_by_kafka_) written_.high_watermarks.clear();
    MOLDAU_CHECK(spare_file_.open());
    return refresh_free_space();
}

Result<> LogDirectory::load_clean_marker() {
    auto content = runtime::read_whole(disk_, path_of(clean_marker_file));
    if (!content && content.error().code == Errc::not_found) return {};
    if (!content) return std::unexpected(std::move(content).error());
    was_clean_ = true;
    clean_broker_epoch_ = broker_epoch_in(text_of(*content));
    return {};
}

Result<> LogDirectory::load_author() {
    auto content = runtime::read_whole(disk_, path_of(high_watermarks_file_name));
    if (!content && content.error().code == Errc::not_found) return {};
    if (!content) return std::unexpected(std::move(content).error());
    author_crc_ = crc32c(*content);
    auto author = runtime::read_whole(disk_, path_of(author_file));
    if (!author && author.error().code != Errc::not_found) return std::unexpected(std::move(author).error());
    written_by_kafka_ = !author || text_of(*author).find(fmt::format("{:08x}", author_crc_)) == std::string_view::npos;
    file_is_ours_ = !written_by_kafka_;
    return {};
}

Result<std::vector<PartitionDirectory>> LogDirectory::partitions() const {
    MOLDAU_TRY(entries, disk_.list(path_));
    std::vector<PartitionDirectory> found;
    for (const runtime::DirectoryEntry& entry : entries) {
        if (!entry.is_directory) continue;
        auto name = parse_partition_directory(entry.name);
        if (name) found.push_back({path_of(entry.name), std::move(*name)});
    }
    return found;
}

LogOptions LogDirectory::options_for(const TopicPartition& partition, const LogConfig& config, Timestamp now) const {
    return {.disk = disk_,
            .directory = path_of(partition_directory_name(partition)),
            .name = partition,
            .config = config,
            .now = now,
            .recovery_point = find_or(at_start_.recovery_points, partition, Offset(0)),
            .log_start = find_or(at_start_.log_starts, partition, Offset(0)),
            .first_dirty = find_or(at_start_.first_dirty, partition, no_offset),
            .log_start_is_exact = !written_by_kafka_ && at_start_.log_starts.contains(partition),
            .high_watermark = written_by_kafka_ ? Offset(0) : find_or(at_start_.high_watermarks, partition, Offset(0)),
            .clean_shutdown = was_clean_,
            .written_by_kafka = written_by_kafka_};
}

Result<> LogDirectory::begin_writing() {
    auto removed = disk_.remove(path_of(clean_marker_file));
    if (!removed && removed.error().code != Errc::not_found) return removed;
    return disk_.sync_directory(path_);
}

Result<> LogDirectory::write_high_watermarks(const OffsetsByPartition& offsets) {
    const std::string text = encode_offset_checkpoint(offsets);
    const std::uint32_t crc = crc32c(bytes_of(text));
    if (crc != author_crc_ || !file_is_ours_) {
        // Both, so that whichever of the two files a crash leaves is known as ours.
        const std::string marks =
            file_is_ours_ ? fmt::format("{:08x}\n{:08x}\n", author_crc_, crc) : fmt::format("{:08x}\n", crc);
        MOLDAU_CHECK(runtime::write_atomically(disk_, path_of(author_file), bytes_of(marks)));
    }
    MOLDAU_CHECK(runtime::write_atomically(disk_, path_of(high_watermarks_file_name), bytes_of(text)));
    author_crc_ = crc;
    file_is_ours_ = true;
    written_.high_watermarks = offsets;
    return {};
}

Result<> LogDirectory::change(auto make) {
    if (is_offline()) return std::unexpected(offline_reason());
    Result<> made = make();
    if (!made && made.error().code == Errc::io) set_offline(made.error());
    return made;
}

Result<> LogDirectory::write_checkpoints(const Checkpoints& checkpoints) {
    return change([&] { return write_all(checkpoints); });
}

Result<> LogDirectory::write_all(const Checkpoints& checkpoints) {
    Checkpoints all = checkpoints;
    all.recovery_points.insert(written_.recovery_points.begin(), written_.recovery_points.end());
    all.log_starts.insert(written_.log_starts.begin(), written_.log_starts.end());
    all.high_watermarks.insert(written_.high_watermarks.begin(), written_.high_watermarks.end());
    all.first_dirty.insert(written_.first_dirty.begin(), written_.first_dirty.end());
    return write_exactly(all);
}

// What has not changed is not written: an idle directory's device may sleep.
Result<> LogDirectory::write_exactly(const Checkpoints& checkpoints) {
    if (!all_written_ || checkpoints.recovery_points != written_.recovery_points) {
        MOLDAU_CHECK(write_offset_checkpoint(disk_, path_of(recovery_points_file_name), checkpoints.recovery_points));
        written_.recovery_points = checkpoints.recovery_points;
    }
    if (!all_written_ || checkpoints.log_starts != written_.log_starts) {
        MOLDAU_CHECK(write_offset_checkpoint(disk_, path_of(log_starts_file_name), checkpoints.log_starts));
        written_.log_starts = checkpoints.log_starts;
    }
    if (checkpoints.first_dirty != written_.first_dirty) {
        MOLDAU_CHECK(write_offset_checkpoint(disk_, path_of(cleaner_offsets_file_name), checkpoints.first_dirty));
        written_.first_dirty = checkpoints.first_dirty;
    }
    if (!all_written_ || checkpoints.high_watermarks != written_.high_watermarks)
        MOLDAU_CHECK(write_high_watermarks(checkpoints.high_watermarks));
    all_written_ = true;
    return {};
}

Result<> LogDirectory::lower_checkpoints(const TopicPartition& partition, Offset offset) {
    return change([&]() -> Result<> {
        Checkpoints lowered = written_;
        if (lower(lowered.recovery_points, partition, offset)) {
            MOLDAU_CHECK(write_offset_checkpoint(disk_, path_of(recovery_points_file_name), lowered.recovery_points));
            written_.recovery_points = std::move(lowered.recovery_points);
        }
        if (lower(lowered.first_dirty, partition, offset)) {
            MOLDAU_CHECK(write_offset_checkpoint(disk_, path_of(cleaner_offsets_file_name), lowered.first_dirty));
            written_.first_dirty = std::move(lowered.first_dirty);
        }
        if (!lower(lowered.high_watermarks, partition, offset)) return {};
        return write_high_watermarks(lowered.high_watermarks);
    });
}

std::set<TopicPartition> LogDirectory::noted_at_start() const {
    std::set<TopicPartition> noted;
    for (const auto* offsets :
         {&at_start_.recovery_points, &at_start_.log_starts, &at_start_.high_watermarks, &at_start_.first_dirty})
        for (const auto& [partition, offset] : *offsets) noted.insert(partition);
    return noted;
}

void LogDirectory::forget_start(const TopicPartition& partition) {
    erase(at_start_, partition);
}

Result<> LogDirectory::take_away(std::span<const Departure> departures) {
    const auto take = [&]() -> Result<> {
        Checkpoints rest = written_;
        bool noted = false;
        for (const Departure& each : departures) noted = erase(rest, each.partition) || noted;
        if (noted) MOLDAU_CHECK(write_exactly(rest));
        for (const Departure& each : departures) {
            if (each.from.empty()) continue;
            if (auto renamed = disk_.rename(each.from, each.to); !renamed && renamed.error().code != Errc::not_found)
                return renamed;
        }
        return disk_.sync_directory(path_);
    };
    Result<> taken = change(take);
    if (!taken && taken.error().code == Errc::no_space && give_up_spare_file()) taken = change(take);
    return taken;
}

Result<bool> LogDirectory::bring_back(const std::string& from, const std::string& to) {
    if (disk_.list(to)) return false;
    MOLDAU_CHECK(change([&]() -> Result<> {
        // Nobody knows any more who wrote it; that must be known as long as it has its name again.
        MOLDAU_CHECK(runtime::write_atomically(disk_, runtime::join_path(from, gaps_file_name), {}));
        MOLDAU_CHECK(disk_.rename(from, to));
        return disk_.sync_directory(path_);
    }));
    return true;
}

Result<> LogDirectory::close_cleanly(const Checkpoints& checkpoints, BrokerEpoch broker_epoch) {
    return change([&]() -> Result<> {
        MOLDAU_CHECK(write_all(checkpoints));
        const std::string marker = fmt::format("{{\"version\":0,\"brokerEpoch\":{}}}", broker_epoch);
        return runtime::write_atomically(disk_, path_of(clean_marker_file), bytes_of(marker));
    });
}

void LogDirectory::set_offline(Error reason) {
    const auto shared = std::make_shared<const Error>(std::move(reason));
    std::shared_ptr<const Error> none;
    if (!offline_reason_.compare_exchange_strong(none, shared)) return;
    offline_.store(true, std::memory_order_release);
    log::error("{} is offline: {}", path_, shared->message);
}

Error LogDirectory::offline_reason() const {
    MOLDAU_ASSERT(is_offline());
    return *offline_reason_.load();
}

bool LogDirectory::give_up_spare_file() {
    bool was_there = false;
    const Result<> done = change([&]() -> Result<> {
        MOLDAU_TRY(given_up, spare_file_.give_up());
        was_there = given_up;
        return {};
    });
    if (!done) log::warn("the spare file stays: {}", done.error().message);
    return done && was_there;
}

Result<> LogDirectory::keep_spare_file() {
    return change([&] { return spare_file_.keep(); });
}

Result<> LogDirectory::refresh_free_space() {
    // Read before: what is appended while this measures, and until it is noted here, counts against what was measured.
    const std::int64_t appended = appended_bytes_.load(std::memory_order_relaxed);
    MOLDAU_TRY(space, disk_.space(path_));
    constexpr std::uint64_t most = INT64_MAX / 2;
    const auto free = static_cast<std::int64_t>(std::min(space.free_bytes, most));
    const auto reserve = static_cast<std::int64_t>(std::min(max_reserve_bytes, space.total_bytes / reserve_share));
    append_limit_bytes_.store(appended + free - reserve, std::memory_order_relaxed);
    return {};
}

}  // namespace moldau::storage
