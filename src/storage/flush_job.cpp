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

}  // namespace

Result<FlushOutcome> FlushJob::run(runtime::Disk& disk) const {
    FlushOutcome outcome;
    if (epochs) {
        auto written = runtime::write_atomically(disk, epochs->path, epochs->content);
        if (!written && written.error().code != Errc::no_space) return std::unexpected(std::move(written).error());
        outcome.epochs_written = outcome.checkpointed = written.has_value();
    }
    for (const std::shared_ptr<runtime::File>& file : files) MOLDAU_CHECK(file->sync());
    for (const std::string& path : index_paths) MOLDAU_CHECK(sync_path(disk, path));
    if (sync_directory) MOLDAU_CHECK(disk.sync_directory(directory));
    if (snapshot) {
        auto written = write_in_place(disk, *snapshot, sync_snapshot);
        if (!written && written.error().code != Errc::no_space) return std::unexpected(std::move(written).error());
        if (!written) outcome.checkpointed = false;
    }
    return outcome;
}

}  // namespace moldau::storage
