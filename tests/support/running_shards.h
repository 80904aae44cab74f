#pragma once
// Real shards for a test, and a way to run one coroutine on them to its end.

#include <future>

#include <gtest/gtest.h>

#include <moldau/posix/shards.h>
#include <moldau/runtime/async.h>

namespace moldau::posix {

inline constexpr std::chrono::seconds test_patience{20};

template <class T>
runtime::Task<void> fulfil(runtime::Task<T> task, std::promise<T>& promise) {
    promise.set_value(co_await std::move(task));
}

/// Runs `task` on `shard` and waits for its result. Requires: not on a shard.
template <class T>
T run_to_end(runtime::Shard& shard, runtime::Task<T> task) {
    std::promise<T> promise;
    auto result = promise.get_future();
    runtime::spawn(shard, fulfil(std::move(task), promise));
    if (result.wait_for(test_patience) != std::future_status::ready) {
        ADD_FAILURE() << "a task did not end in time";
        std::abort();  // the promise dies with this frame
    }
    return result.get();
}

}  // namespace moldau::posix
