#include <iterator>
#include <utility>

#include <moldau/base/assert.h>
#include <moldau/storage/open_files.h>

namespace moldau::storage {
namespace {

/// Files that must stay are passed over, so many at once.
constexpr std::size_t max_looked_at = 16;

}  // namespace

void OpenFiles::shrink_to(std::size_t most) {
    for (std::size_t looked_at = 0; order_.size() > most && looked_at < max_looked_at; ++looked_at) {
        CachedFile& oldest = *order_.back();
        if (oldest.must_stay_ != nullptr && *oldest.must_stay_) {
            order_.splice(order_.begin(), order_, std::prev(order_.end()));
        } else {
            oldest.release();
        }
    }
}

void CachedFile::join(OpenFiles* files) {
    if (files_ != nullptr && file_) files_->order_.erase(place_);
    files_ = files;
    if (files_ == nullptr || !file_) return;
    place_ = files_->order_.insert(files_->order_.begin(), this);
    files_->shrink_to(files_->limit_);
}

std::shared_ptr<runtime::File> CachedFile::get() {
    const std::shared_ptr<runtime::File> file = file_;
    if (files_ == nullptr || !file) return file;
    files_->order_.splice(files_->order_.begin(), files_->order_, place_);
    // More than the limit, where they had to stay.
    files_->shrink_to(files_->limit_);
    return file;
}

Result<std::shared_ptr<runtime::File>> CachedFile::open(runtime::Disk& disk, const std::string& path,
                                                        runtime::OpenMode mode) {
    MOLDAU_ASSERT(!file_);
    if (files_ != nullptr) files_->shrink_to(files_->limit_ > 0 ? files_->limit_ - 1 : 0);
    auto opened = disk.open(path, mode);
    if (!opened && opened.error().code == Errc::no_descriptors && files_ != nullptr && files_->count() > 0) {
        // Others take more than was left for them.
        files_->shrink_to(files_->count() - 1);
        opened = disk.open(path, mode);
    }
    if (!opened) return std::unexpected(std::move(opened).error());
    file_ = std::move(*opened);
    if (files_ != nullptr) place_ = files_->order_.insert(files_->order_.begin(), this);
    return file_;
}

Result<std::shared_ptr<runtime::File>> CachedFile::get_or_open(runtime::Disk& disk, const std::string& path,
                                                               runtime::OpenMode mode) {
    if (auto file = get()) return file;
    return open(disk, path, mode);
}

void CachedFile::release() {
    if (files_ != nullptr && file_) files_->order_.erase(place_);
    file_.reset();
}

}  // namespace moldau::storage
