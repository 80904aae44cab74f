#pragma once
// A disk that does what another does and notes every call that changes something or makes it durable. The order in the
// trace is the order on the device: a call that changes something is made and noted under one lock, a sync is noted
// before it begins and after it has ended, so that what lies between is not claimed to be covered.

#include <memory>
#include <mutex>
#include <string>

#include <moldau/runtime/disk.h>

#include "trace.h"

namespace moldau::durability {

/// The trace of one process, appended to those of earlier ones. Thread-safe.
class Recorder {
 public:
    /// Ends the process when `path` cannot be written.
    explicit Recorder(const std::string& path);
    ~Recorder();
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    void note(Call call);

    /// Makes a call and notes it when it succeeded, with no other between.
    template <class F>
    auto change(Call call, F make) {
        const std::lock_guard lock(mutex_);
        auto result = make();
        if (result) note_locked(std::move(call));
        return result;
    }

    /// Notes its two ends around a sync that waits.
    template <class F>
    Result<> sync(Op begun, Op done, Call call, F make) {
        call.sync = begin_sync(begun, call);
        Result<> result = make();
        call.op = done;
        if (result) note(std::move(call));
        return result;
    }
    std::uint64_t begin_sync(Op begun, Call call);

    std::uint64_t next_file();

 private:
    void note_locked(Call call);

    std::mutex mutex_;  // guards all below
    int descriptor_;
    std::uint64_t last_file_ = 0;
    std::uint64_t last_sync_ = 0;
};

class RecordingDisk final : public runtime::Disk {
 public:
    RecordingDisk(std::unique_ptr<runtime::Disk> inner, const std::string& trace_path)
        : recorder_(std::make_shared<Recorder>(trace_path)), inner_(std::move(inner)) {}

    Result<std::unique_ptr<runtime::File>> open(const std::string& path, runtime::OpenMode mode) override;
    Result<std::vector<runtime::DirectoryEntry>> list(const std::string& directory) override;
    Result<bool> exists(const std::string& path) override;
    Result<bool> is_link(const std::string& path) override;
    Result<> create_directories(const std::string& path) override;
    Result<> rename(const std::string& from, const std::string& to) override;
    Result<> remove(const std::string& path) override;
    Result<> sync_directory(const std::string& directory) override;
    Result<runtime::DiskSpace> space(const std::string& directory) override;
    Result<std::unique_ptr<runtime::DirectoryLock>> lock(const std::string& directory) override;
    void post_blocking(runtime::Work& work) override;
    void post_sync(runtime::Work& work) override;

 private:
    std::shared_ptr<Recorder> recorder_;
    std::unique_ptr<runtime::Disk> inner_;
};

}  // namespace moldau::durability
