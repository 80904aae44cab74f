#pragma once
// Many slow things, several at a time: what waits for the disk is neither done one by one nor all at once. On the
// caller's shard.

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <moldau/runtime/async.h>

namespace moldau::node {

namespace detail {

template <class Item, class Step>
struct Steps {
    Steps(runtime::Shard& shard, std::vector<Item> items, Step each)
        : left(std::move(items)), step(std::move(each)), workers(shard) {}

    std::vector<Item> left;  ///< taken from the back
    Step step;
    runtime::Gate workers;
};

template <class Item, class Step>
runtime::Task<void> take_steps(std::shared_ptr<Steps<Item, Step>> steps, runtime::Gate::Hold hold) {
    while (!steps->left.empty()) {
        Item next = std::move(steps->left.back());
        steps->left.pop_back();
        co_await steps->step(std::move(next));
    }
    (void)hold;  // goes before its gate
}

}  // namespace detail

/// Awaits `step(item)`, a Task<void>, for every item, at most `most` of them at a time, the first ones first. A step
/// that is a coroutine must own what it is given.
template <class Item, class Step>
runtime::Task<void> at_once(runtime::Shard& shard, std::size_t most, std::vector<Item> items, Step step) {
    const std::size_t count = std::min(most, items.size());
    std::reverse(items.begin(), items.end());
    // Shared with the workers: at an end at once this coroutine may go before them.
    const auto steps = std::make_shared<detail::Steps<Item, Step>>(shard, std::move(items), std::move(step));
    for (std::size_t i = 0; i < count; ++i)
        runtime::spawn(shard, detail::take_steps<Item, Step>(steps, steps->workers.enter()));
    co_await steps->workers.close();
}

}  // namespace moldau::node
