#include "output/outage.h"

#include <fmt/format.h>

#include <moldau/base/assert.h>

namespace moldau::cli {

void Outage::begin() {
    ++under_way_;
    if (!since_) arm();
}

void Outage::arm() {
    since_ = shard_.now();
    timer_ = shard_.timers().add(runtime::after(*since_, patience), [this] { tell(); });
}

void Outage::succeeded() {
    MOLDAU_ASSERT(under_way_ > 0);
    --under_way_;
    shard_.timers().cancel(timer_);
    if (std::exchange(told_, false) && notify_) {
        const auto lasted = std::chrono::duration_cast<std::chrono::seconds>(shard_.now() - *since_);
        notify_(fmt::format("going on after {} s", lasted.count()));
    }
    since_.reset();
    reason_.clear();
    if (under_way_ > 0) arm();
}

void Outage::failed(std::string reason) {
    MOLDAU_ASSERT(under_way_ > 0);
    --under_way_;
    reason_ = std::move(reason);
}

void Outage::tell() {
    timer_ = {};
    told_ = true;
    if (notify_)
        notify_(fmt::format("no progress for {} s: {}; still trying",
                            std::chrono::duration_cast<std::chrono::seconds>(patience).count(),
                            reason_.empty() ? "the broker does not answer" : reason_));
}

}  // namespace moldau::cli
