#include "io_pool.h"

#include <pthread.h>
#include <system_error>

#include <moldau/base/assert.h>
#include <moldau/base/log.h>

namespace moldau::posix {

IoPool::IoPool(const char* name, unsigned max_threads, StartThread start_thread)
    : name_(name), max_threads_(max_threads), start_thread_(std::move(start_thread)) {
    MOLDAU_ASSERT(max_threads > 0);
    threads_.reserve(max_threads);  // afterwards nothing but the system can fail
    const std::lock_guard lock(mutex_);
    add_thread();
}

IoPool::~IoPool() {
    runtime::Work* work = nullptr;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        work = std::exchange(first_, nullptr);
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    while (work != nullptr) std::exchange(work, work->next)->drop();
}

void IoPool::post(runtime::Work& work) {
    work.next = nullptr;
    {
        const std::lock_guard lock(mutex_);
        if (!stopping_) {
            (first_ == nullptr ? first_ : last_->next) = &work;
            last_ = &work;
            ++queued_;
            if (queued_ > idle_ && threads_.size() < max_threads_) start_another();
            changed_.notify_one();
            return;
        }
    }
    work.drop();
}

// A limit on threads is no reason to end, nor to lose what was posted: those that are there come to it.
void IoPool::start_another() {
    try {
        add_thread();
        lacks_threads_ = false;
    } catch (const std::system_error& error) {
        if (!std::exchange(lacks_threads_, true))
            log::warn("the system gives no further thread ({}): {} of {} wait for the disk", error.what(),
                      threads_.size(), max_threads_);
    }
}

void IoPool::serve() {
    pthread_setname_np(pthread_self(), name_);
    std::unique_lock lock(mutex_);
    while (true) {
        while (first_ == nullptr && !stopping_) {
            ++idle_;
            changed_.wait(lock);
            --idle_;
        }
        if (stopping_) return;
        runtime::Work* const work = std::exchange(first_, first_->next);
        --queued_;
        lock.unlock();
        work->run();
        lock.lock();
    }
}

}  // namespace moldau::posix
