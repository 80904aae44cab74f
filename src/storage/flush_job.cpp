#include <moldau/storage/flush_job.h>

namespace moldau::storage {
namespace {

Result<> sync_names(runtime::Disk& disk, const FlushJob& job) {
    for (const std::string& path : job.index_paths) MOLDAU_CHECK(runtime::sync_file(disk, path));
    if (job.sync_directory) MOLDAU_CHECK(disk.sync_directory(job.directory));
    return {};
}

}  // namespace

Result<FlushOutcome> FlushJob::run(runtime::Disk& disk) const {
    FlushOutcome outcome;
    if (epochs) {
        auto written = runtime::write_atomically(disk, epochs->path, epochs->content);
        if (!written && !is_shortage(written.error())) return std::unexpected(std::move(written).error());
        outcome.epochs_written = written.has_value();
        if (!written) outcome.checkpoint_refused = std::move(written).error();
    }
    for (const std::shared_ptr<runtime::File>& file : files) MOLDAU_CHECK(file->sync());
    if (auto synced = sync_names(disk, *this); !synced) {
        if (synced.error().code != Errc::no_descriptors) return std::unexpected(std::move(synced).error());
        outcome.complete = false;
        return outcome;
    }
    if (auto left = leave_snapshot(disk); !left) {
        if (!is_shortage(left.error())) return std::unexpected(std::move(left).error());
        outcome.checkpoint_refused = std::move(left).error();
    }
    return outcome;
}

Result<> FlushJob::leave_snapshot(runtime::Disk& disk) const {
    if (snapshot) MOLDAU_CHECK(runtime::overwrite(disk, snapshot->path, snapshot->content));
    if (snapshot_to_sync.empty()) return {};
    MOLDAU_CHECK(runtime::sync_file(disk, snapshot_to_sync));
    return disk.sync_directory(directory);
}

}  // namespace moldau::storage
