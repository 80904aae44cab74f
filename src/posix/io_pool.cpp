#include "io_pool.h"

#include <pthread.h>

namespace moldau::posix {

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
            if (queued_ > idle_ && threads_.size() < max_threads_) threads_.emplace_back([this] { serve(); });
            changed_.notify_one();
            return;
        }
    }
    work.drop();
}

void IoPool::serve() {
    pthread_setname_np(pthread_self(), "io");
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
