#pragma once
// How many bytes of requests a shard holds at most. Charged as bytes arrive, never as announced. Pure. One a shard,
// owned by the server, outlives every request of the shard and is touched on it alone.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <utility>

#include <moldau/base/assert.h>

namespace moldau::net {

class RequestBudget {
 public:
    /// A frame of at most so many bytes is small: it may use the reserve, so that heartbeats pass a flood of data.
    static constexpr std::size_t small_frame_bytes = 16 * 1024;

    explicit RequestBudget(std::size_t total_bytes) : total_bytes_(total_bytes), reserve_bytes_(total_bytes / 8) {}
    RequestBudget(const RequestBudget&) = delete;
    RequestBudget& operator=(const RequestBudget&) = delete;

    /// Bytes that are counted until they are released, or this is destroyed.
    class Charge {
     public:
        Charge() = default;
        explicit Charge(RequestBudget& budget) : budget_(&budget) {}
        Charge(Charge&& other) noexcept
            : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
        Charge& operator=(Charge&& other) noexcept {
            std::swap(budget_, other.budget_);
            std::swap(bytes_, other.bytes_);
            return *this;
        }
        ~Charge() { release(); }

        /// Requires: made with a budget.
        void add(std::size_t bytes) {
            bytes_ += bytes;
            budget_->used_bytes_ += bytes;
        }
        /// So many of its bytes as a charge of their own. Requires: it has them.
        Charge split(std::size_t bytes) {
            MOLDAU_ASSERT(bytes <= bytes_);
            Charge part(*budget_);
            part.bytes_ = bytes;
            bytes_ -= bytes;
            return part;
        }
        void release() {
            if (bytes_ > 0) budget_->give_back(std::exchange(bytes_, 0));
        }
        std::size_t bytes() const { return bytes_; }

     private:
        RequestBudget* budget_ = nullptr;
        std::size_t bytes_ = 0;
    };

    /// Names a frame that has begun to arrive and is not whole yet. Zero names none.
    using Ticket = std::uint64_t;
    Ticket start_frame();
    void end_frame(Ticket ticket);

    bool is_spent() const { return used_bytes_ >= total_bytes_; }

    /// Whether a started frame may read on: any while there is budget; then the oldest only, which so needs no more
    /// than itself, and small ones from the reserve. Requires: once whole it is served without waiting for another
    /// request; else no bound holds.
    bool may_read(Ticket ticket, std::size_t frame_bytes) const;

    /// Called when a frame that may_read() refused might be allowed now.
    void on_change(std::move_only_function<void()> notify) { notify_ = std::move(notify); }

    std::size_t used_bytes() const { return used_bytes_; }

 private:
    void give_back(std::size_t bytes);

    const std::size_t total_bytes_;
    const std::size_t reserve_bytes_;  // on top of the total
    std::size_t used_bytes_ = 0;
    std::set<Ticket> started_;
    Ticket next_ticket_ = 1;
    std::move_only_function<void()> notify_;
};

}  // namespace moldau::net
