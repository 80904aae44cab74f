#include <moldau/storage/flush_job.h>

namespace moldau::storage {
namespace {

// A segment that was deleted meanwhile needs no index.
Result<> sync_path(runtime::Disk& disk, const std::string& path) {
    auto file = disk.open(path, runtime::OpenMode::read_write);
    if (!file && file.error().code == Errc::not_found) return {};
    if (!file) return std::unexpected(std::move(file).error());
    return (*file)->sync();
}

Result<> write_in_place(runtime::Disk& disk, const FlushJob::Replacement& what, bool sync) {
    MOLDAU_TRY(file, disk.open(what.path, runtime::OpenMode::create));
    MOLDAU_CHECK(file->truncate(0));
    const ByteView parts[] = {what.content};
    MOLDAU_CHECK(file->write_at(parts, 0));
    return sync ? file->sync() : Result<>{};
}

Result<> sync_names(runtime::Disk& disk, const FlushJob& job) {
    for (const std::string& path : job.index_paths) MOLDAU_CHECK(sync_path(disk, path));
    if (job.sync_directory) MOLDAU_CHECK(disk.sync_directory(job.directory));
    return {};
}

}  // namespace

Result<FlushOutcome> FlushJob::run(runtime::Disk& disk) const {
    FlushOutcome outcome;
    if (epochs) {
        auto written = runtime::write_atomically(disk, epochs->path, epochs->content);
        if (!written && !is_shortage(written.error())) return std::unexpected(std::move(written).error());
        outcome.epochs_written = outcome.checkpointed = written.has_value();
    }
    for (const std::shared_ptr<runtime::File>& file : files) MOLDAU_CHECK(file->sync());
    if (auto synced = sync_names(disk, *this); !synced) {
        if (synced.error().code != Errc::no_descriptors) return std::unexpected(std::move(synced).error());
        outcome.complete = outcome.checkpointed = false;
        return outcome;
    }
    if (snapshot) {
        auto written = write_in_place(disk, *snapshot, sync_snapshot);
        if (!written && !is_shortage(written.error())) return std::unexpected(std::move(written).error());
        if (!written) outcome.checkpointed = false;
    }
    return outcome;
}

}  // namespace moldau::storage
