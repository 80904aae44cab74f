#include <fmt/format.h>

#include <moldau/raft/format.h>
#include <moldau/raft/snapshot.h>

namespace moldau::raft {
namespace {

struct CivilTime {
    std::int64_t year;
    unsigned month, day, hour, minute, second;
    unsigned weekday;  ///< 0: Sunday
};

// Days to date after Howard Hinnant's civil_from_days, for times since 1970.
CivilTime utc(Timestamp at) {
    const std::int64_t seconds = at.value() / 1000;
    const std::int64_t days = seconds / 86400;
    const auto of_day = static_cast<unsigned>(seconds % 86400);
    const std::int64_t shifted = days + 719468;  // from 0000-03-01
    const std::int64_t era = shifted / 146097;
    const auto day_of_era = static_cast<unsigned>(shifted % 146097);
    const unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const unsigned month_from_march = (5 * day_of_year + 2) / 153;
    const unsigned month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    return {.year = era * 400 + year_of_era + (month <= 2 ? 1 : 0),
            .month = month,
            .day = day_of_year - (153 * month_from_march + 2) / 5 + 1,
            .hour = of_day / 3600,
            .minute = of_day / 60 % 60,
            .second = of_day % 60,
            .weekday = static_cast<unsigned>((days + 4) % 7)};
}

// As Java's Date prints itself; Kafka's writer of properties puts it into the second line.
std::string java_date(Timestamp at) {
    constexpr std::string_view weekdays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::string_view months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const CivilTime t = utc(at);
    return fmt::format("{} {} {:02} {:02}:{:02}:{:02} UTC {}", weekdays[t.weekday], months[t.month - 1], t.day, t.hour,
                       t.minute, t.second, t.year);
}

Bytes bootstrap_checkpoint(const FormatOptions& options) {
    SnapshotWriter writer(LeaderEpoch(0), SnapshotHeader{}, options.now);
    for (const auto& record : options.bootstrap_records) writer.append(record, options.now);
    writer.finish(options.now);
    return writer.take();
}

Bytes first_snapshot(const FormatOptions& options) {
    Voter voter{.key = {options.node_id, options.directory_id}, .endpoints = options.controller_endpoints};
    const SnapshotHeader header{.last_contained_log_timestamp = options.now,
                                .kraft_version = 1,
                                .voters = VoterSet(std::vector<Voter>{std::move(voter)})};
    SnapshotWriter writer(LeaderEpoch(0), header, options.now);
    writer.finish(options.now);
    return writer.take();
}

}  // namespace

FileToWrite meta_properties(const std::string& cluster_id, NodeId node_id, DirectoryId directory_id, Timestamp now) {
    const std::string text = fmt::format("#\n#{}\nnode.id={}\ndirectory.id={}\nversion=1\ncluster.id={}\n",
                                         java_date(now), node_id, directory_id, cluster_id);
    return {.path = "meta.properties", .content = Bytes(text.begin(), text.end())};
}

std::vector<FileToWrite> format_plan(const FormatOptions& options) {
    std::vector<FileToWrite> files;
    if (!options.controller_endpoints.empty()) {
        files.push_back({.path = fmt::format("{}-0/{}", metadata_topic_name, snapshot_file_name({})),
                         .content = first_snapshot(options)});
    }
    files.push_back({.path = "bootstrap.checkpoint", .content = bootstrap_checkpoint(options)});
    files.push_back(meta_properties(options.cluster_id, options.node_id, options.directory_id, options.now));
    return files;
}

}  // namespace moldau::raft
