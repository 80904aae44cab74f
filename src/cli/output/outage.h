#pragma once
// Tells the user, once, that a command which goes on by itself has been getting nowhere for a while, and that it gets
// on again. Owned by what tries; on its shard.

#include <functional>
#include <optional>
#include <string>

#include <moldau/runtime/shard.h>

namespace moldau::cli {

class Outage {
 public:
    using Notify = std::function<void(const std::string& line)>;
    /// Longer than a restart of a broker that nobody need hear of.
    static constexpr runtime::Duration patience = std::chrono::seconds(5);

    explicit Outage(runtime::Shard& shard) : shard_(shard) {}
    Outage(const Outage&) = delete;
    Outage& operator=(const Outage&) = delete;
    ~Outage() { shard_.timers().cancel(timer_); }

    void on_notice(Notify notify) { notify_ = std::move(notify); }

    /// Something is tried. Each call is followed by one of succeeded() or failed().
    void begin();
    void succeeded();
    void failed(std::string reason);
    /// Why the present try may take long, where that is known.
    void waits_for(std::string reason) { reason_ = std::move(reason); }
    /// Nothing is wanted any more: nothing will be told.
    void end() { shard_.timers().cancel(timer_); }

 private:
    void tell();
    void arm();

    runtime::Shard& shard_;
    Notify notify_;
    unsigned under_way_ = 0;
    std::optional<runtime::TimePoint> since_;  // tried without success since then
    bool told_ = false;
    std::string reason_;
    runtime::TimerQueue::Id timer_;
};

}  // namespace moldau::cli
