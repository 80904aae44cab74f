#include "recording_disk.h"

#include <chrono>
#include <fcntl.h>
#include <unistd.h>

#include <moldau/base/assert.h>

namespace moldau::durability {

using runtime::OpenMode;

namespace {

class RecordingFile final : public runtime::File {
 public:
    RecordingFile(std::unique_ptr<runtime::File> inner, std::shared_ptr<Recorder> recorder, std::uint64_t number)
        : inner_(std::move(inner)), recorder_(std::move(recorder)), number_(number) {}
    ~RecordingFile() override { recorder_->note({.op = Op::close, .file = number_}); }

    Result<> write_at(std::span<const ByteView> parts, std::uint64_t position) override {
        Call call{.op = Op::write, .file = number_, .position = position};
        for (const ByteView part : parts) call.bytes.insert(call.bytes.end(), part.begin(), part.end());
        return recorder_->change(std::move(call), [&] { return inner_->write_at(parts, position); });
    }
    Result<> truncate(std::uint64_t size) override {
        return recorder_->change({.op = Op::truncate, .file = number_, .position = size},
                                 [&] { return inner_->truncate(size); });
    }
    Result<> sync() override {
        return recorder_->sync(Op::sync_begun, Op::sync_done, {.file = number_}, [&] { return inner_->sync(); });
    }
    void async_sync(runtime::Shard& home, runtime::Handler<Result<>> handler) override {
        const std::uint64_t sync = recorder_->begin_sync(Op::sync_begun, {.file = number_});
        inner_->async_sync(home, [recorder = recorder_, sync, number = number_,
                                  handler = std::move(handler)](Result<> synced) mutable {
            if (synced) recorder->note({.op = Op::sync_done, .file = number, .sync = sync});
            std::move(handler)(std::move(synced));
        });
    }

    Result<std::size_t> read_at(MutableBytes into, std::uint64_t position) const override {
        return inner_->read_at(into, position);
    }
    Result<std::size_t> try_read_at(MutableBytes into, std::uint64_t position) const override {
        return inner_->try_read_at(into, position);
    }
    Result<std::uint64_t> size() const override { return inner_->size(); }
    void write_back(std::uint64_t position, std::uint64_t size) override { inner_->write_back(position, size); }
    int descriptor() const override { return inner_->descriptor(); }

 private:
    std::unique_ptr<runtime::File> inner_;
    const std::shared_ptr<Recorder> recorder_;  // shared: a shard that ends drops files after the disk
    const std::uint64_t number_;
};

}  // namespace

Recorder::Recorder(const std::string& path)
    : descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {
    MOLDAU_ASSERT(descriptor_ >= 0);
    note({.op = Op::begin_life});
}

Recorder::~Recorder() {
    ::close(descriptor_);
}

void Recorder::note(Call call) {
    const std::lock_guard lock(mutex_);
    note_locked(std::move(call));
}

std::uint64_t Recorder::begin_sync(Op begun, Call call) {
    const std::lock_guard lock(mutex_);
    call.op = begun;
    call.sync = ++last_sync_;
    note_locked(std::move(call));
    return last_sync_;
}

std::uint64_t Recorder::next_file() {
    const std::lock_guard lock(mutex_);
    return ++last_file_;
}

void Recorder::note_locked(Call call) {
    // At once, past all buffers of the process: it may be killed.
    call.at_ns = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    const Bytes encoded = encode(call);
    const ssize_t written = ::write(descriptor_, encoded.data(), encoded.size());
    MOLDAU_ASSERT(written == static_cast<ssize_t>(encoded.size()));
}

Result<std::unique_ptr<runtime::File>> RecordingDisk::open(const std::string& path, OpenMode mode) {
    if (mode == OpenMode::read) return inner_->open(path, mode);
    const std::uint64_t number = recorder_->next_file();
    const bool makes = mode == OpenMode::create || mode == OpenMode::create_new;
    MOLDAU_TRY(file, recorder_->change({.op = Op::open, .makes = makes, .file = number, .path = path},
                                       [&] { return inner_->open(path, mode); }));
    return std::make_unique<RecordingFile>(std::move(file), recorder_, number);
}

Result<> RecordingDisk::create_directories(const std::string& path) {
    return recorder_->change({.op = Op::create_directories, .path = path},
                             [&] { return inner_->create_directories(path); });
}

Result<> RecordingDisk::rename(const std::string& from, const std::string& to) {
    return recorder_->change({.op = Op::rename, .path = from, .other_path = to},
                             [&] { return inner_->rename(from, to); });
}

Result<> RecordingDisk::remove(const std::string& path) {
    return recorder_->change({.op = Op::remove, .path = path}, [&] { return inner_->remove(path); });
}

Result<> RecordingDisk::sync_directory(const std::string& directory) {
    return recorder_->sync(Op::directory_sync_begun, Op::directory_sync_done, {.path = directory},
                           [&] { return inner_->sync_directory(directory); });
}

Result<std::unique_ptr<runtime::DirectoryLock>> RecordingDisk::lock(const std::string& directory) {
    return recorder_->change(
        {.op = Op::open, .makes = true, .file = recorder_->next_file(), .path = runtime::join_path(directory, ".lock")},
        [&] { return inner_->lock(directory); });
}

Result<std::vector<runtime::DirectoryEntry>> RecordingDisk::list(const std::string& directory) {
    return inner_->list(directory);
}

Result<bool> RecordingDisk::exists(const std::string& path) {
    return inner_->exists(path);
}

Result<bool> RecordingDisk::is_link(const std::string& path) {
    return inner_->is_link(path);
}

Result<runtime::DiskSpace> RecordingDisk::space(const std::string& directory) {
    return inner_->space(directory);
}

void RecordingDisk::post_blocking(runtime::Work& work) {
    inner_->post_blocking(work);
}

void RecordingDisk::post_sync(runtime::Work& work) {
    inner_->post_sync(work);
}

}  // namespace moldau::durability
