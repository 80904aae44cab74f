#include <chrono>

#include <fmt/format.h>

#include <moldau/raft/format.h>
#include <moldau/raft/snapshot.h>

namespace moldau::raft {
namespace {

// As Java's Date prints itself; Kafka's writer of properties puts it into the second line.
std::string java_date(Timestamp at) {
    using namespace std::chrono;
    constexpr std::string_view weekdays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::string_view months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const sys_time<milliseconds> time{milliseconds(at.value())};
    const auto midnight = floor<days>(time);
    const year_month_day date(midnight);
    const hh_mm_ss clock(floor<seconds>(time - midnight));
    return fmt::format("{} {} {:02} {:02}:{:02}:{:02} UTC {}", weekdays[weekday(midnight).c_encoding()],
                       months[static_cast<unsigned>(date.month()) - 1], static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                       static_cast<int>(date.year()));
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
    files.push_back({.path = std::string(bootstrap_file_name), .content = bootstrap_checkpoint(options)});
    files.push_back(meta_properties(options.cluster_id, options.node_id, options.directory_id, options.now));
    return files;
}

}  // namespace moldau::raft
