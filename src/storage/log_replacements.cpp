// What LogLoader does with files that an interrupted compaction has left (docs/adr/0008). A result that is not complete
// has files called `.cleaned`, and goes. One that is complete is called `.swap`: it takes the place of the segments
// that it was made of, as far as they are still there.

#include <algorithm>

#include <fmt/format.h>

#include <moldau/base/log.h>
#include <moldau/storage/log_names.h>

#include "log_loader.h"

namespace moldau::storage {
/// A file of a segment whose name ends in `.cleaned` or `.swap`.
struct LogLoader::Marked {
    std::string name;
    Offset base;
    std::string_view suffix;

    static std::vector<Marked> among(const std::vector<runtime::DirectoryEntry>& entries, std::string_view mark) {
        std::vector<Marked> found;
        for (const std::string_view each : suffix::log_last)
            for (const runtime::DirectoryEntry& entry : entries)
                if (const auto base = offset_in_name(entry.name, fmt::format("{}{}", each, mark)))
                    found.push_back({entry.name, *base, each});
        return found;
    }
};

Result<> LogLoader::finish_replacements(std::vector<runtime::DirectoryEntry> entries) {
    const std::vector<Marked> cleaned = Marked::among(entries, suffix::cleaned);
    std::vector<Marked> staged = Marked::among(entries, suffix::swap);
    // Files get `.swap` from the last segment on: where one is still `.cleaned`, so is the first.
    bool gave_up = false;
    for (const Marked& each : staged) {
        const bool incomplete =
            std::ranges::any_of(cleaned, [&](const Marked& other) { return other.base <= each.base; });
        if (!incomplete) continue;
        MOLDAU_CHECK(remove_file(each.name));
        gave_up = true;
    }
    if (gave_up) {
        // What is `.cleaned` goes after it, with the other files that do not count.
        MOLDAU_CHECK(synced(log_.disk_.sync_directory(log_.directory_)));
        MOLDAU_TRY(after, log_.disk_.list(log_.directory_));
        entries = std::move(after);
        staged = Marked::among(entries, suffix::swap);
    }
    if (std::ranges::find(staged, suffix::log, &Marked::suffix) != staged.end()) return complete(staged);
    // Its log has its name: the indexes follow, unless there is one that may be newer.
    for (const Marked& each : staged) {
        MOLDAU_TRY(has_log, log_.disk_.exists(log_.path_of(offset_file_name(each.base, suffix::log))));
        MOLDAU_TRY(is_taken, log_.disk_.exists(log_.path_of(offset_file_name(each.base, each.suffix))));
        MOLDAU_CHECK(has_log && !is_taken ? rename_marked(each) : remove_file(each.name));
        removed_ = true;
    }
    return {};
}

Result<> LogLoader::rename_marked(const Marked& file) {
    return log_.disk_.rename(log_.path_of(file.name), log_.path_of(offset_file_name(file.base, file.suffix)));
}

Result<Offset> LogLoader::end_of(const std::string& path, Offset base) {
    MOLDAU_TRY(file, log_.disk_.open(path, runtime::OpenMode::read));
    MOLDAU_TRY(size, file->size());
    BatchScanner scanner(*file, 0, size, BatchScanner::Depth::checksums, log_.scratch_);
    Offset end = base;
    std::string_view damage;
    while (damage.empty() && scanner.next()) {
        damage = scanner.crc_ok() ? order_damage(scanner.batch(), base, end) : "the CRC is wrong";
        end = scanner.batch().next_offset();
    }
    if (!damage.empty())
        return fail(Errc::corrupt, fmt::format("{} at position {}: {}", path, scanner.position(), damage));
    if (!scanner.status()) return std::unexpected(Error(scanner.status().error()).within(path));
    return end;
}

Result<Offset> LogLoader::end_of_staged(const std::vector<Marked>& staged) {
    Offset end{0};
    std::string last;
    for (const Marked& each : staged) {
        if (each.suffix != suffix::log) continue;
        MOLDAU_TRY(its_end, end_of(log_.path_of(each.name), each.base));
        if (its_end >= end) last = each.name;
        end = std::max({end, its_end, each.base + 1});
    }
    // No checksum covers the offsets that tell which segments go: the active one never does, and what goes does not
    // reach further.
    MOLDAU_TRY(entries, log_.disk_.list(log_.directory_));
    std::optional<Offset> before;
    bool has_next = false;
    for (const runtime::DirectoryEntry& entry : entries) {
        const auto base = offset_in_name(entry.name, suffix::log);
        if (!base) continue;
        has_next = has_next || *base >= end;
        if (*base < end) before = std::max(before.value_or(*base), *base);
    }
    const Offset first = std::ranges::min_element(staged, {}, &Marked::base)->base;
    if (has_next && before && *before >= first && !options_.written_by_kafka) {
        MOLDAU_TRY(replaced_end, end_of(log_.path_of(offset_file_name(*before, suffix::log)), *before));
        has_next = replaced_end <= end;
    }
    if (!has_next)
        return refuse({Errc::corrupt, fmt::format("{} ends at offset {}, where none of the segments does that it was "
                                                  "made of",
                                                  log_.path_of(last), end)});
    return end;
}

Result<> LogLoader::complete(const std::vector<Marked>& staged) {
    auto end = end_of_staged(staged);
    if (!end) return std::unexpected(std::move(end).error());
    const Offset first = std::ranges::min_element(staged, {}, &Marked::base)->base;
    log::info("{}: an interrupted compaction of the offsets {} to {} is completed", log_.directory_, first, *end - 1);
    const auto is_staged = [&](Offset base, std::string_view suffix) {
        return std::ranges::any_of(staged,
                                   [&](const Marked& other) { return other.base == base && other.suffix == suffix; });
    };
    MOLDAU_TRY(entries, log_.disk_.list(log_.directory_));
    for (const runtime::DirectoryEntry& entry : entries) {
        for (const std::string_view each : suffix::log_last) {
            const auto base = offset_in_name(entry.name, each);
            if (!base || *base < first || *base >= *end) continue;
            // All were staged: what is no longer has got its name already.
            const bool is_new = is_staged(*base, suffix::log) && !is_staged(*base, each);
            if (!is_new) MOLDAU_CHECK(remove_file(entry.name));
        }
    }
    // They must not be there beside what was made of them.
    MOLDAU_CHECK(synced(log_.disk_.sync_directory(log_.directory_)));
    for (const Marked& each : staged) MOLDAU_CHECK(rename_marked(each));
    return synced(log_.disk_.sync_directory(log_.directory_));
}

}  // namespace moldau::storage
