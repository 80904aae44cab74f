#include <pthread.h>
#include <sched.h>

#include <moldau/base/assert.h>
#include <moldau/posix/shards.h>

#include "posix_shard.h"

namespace moldau::posix {

unsigned available_processors() {
    cpu_set_t mask;
    if (sched_getaffinity(0, sizeof mask, &mask) == 0) return static_cast<unsigned>(CPU_COUNT(&mask));
    return std::max(1U, std::thread::hardware_concurrency());
}

Shards::Shards(ShardsOptions options) {
    const unsigned count = options.count > 0 ? options.count : available_processors();
    const auto start = std::chrono::steady_clock::now();
    for (unsigned i = 0; i < count; ++i) {
        shards_.push_back(std::make_unique<PosixShard>(i, start, options.slow_turn_limit));
        views_.push_back(shards_.back().get());
    }
}

Shards::~Shards() {
    stop();
    join();
    // What is dropped may hold coroutines of any shard, sockets and timers: all shards must still be there.
    for (auto& shard : shards_) shard->mark_ended();
    for (auto& shard : shards_) shard->drop_everything();
}

void Shards::start() {
    MOLDAU_ASSERT(threads_.empty());
    for (auto& shard : shards_) {
        threads_.emplace_back([&shard] {
            pthread_setname_np(pthread_self(), fmt::format("shard-{}", shard->index()).c_str());
            shard->run();
        });
    }
}

void Shards::stop() {
    for (auto& shard : shards_) shard->stop();
}

void Shards::join() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
}

}  // namespace moldau::posix
