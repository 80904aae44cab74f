#pragma once
// How many bytes of requests a shard holds at most. Charged as bytes arrive, never as announced. Pure. One a shard,
// owned by the server, touched on that shard alone. A charge may outlive it: of a request that waits in a partition.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <utility>

#include <moldau/base/assert.h>

namespace moldau::net {

class RequestBudget {
    /// Of which charges keep a share.
    struct Account {
        std::size_t total_bytes;
        std::size_t used_bytes = 0;
        std::move_only_function<void()> notify = {};

        bool is_spent() const { return used_bytes >= total_bytes; }
        void give_back(std::size_t bytes);
    };

 public:
    /// A frame of at most so many bytes is small: it may use the reserve, so that heartbeats pass a flood of data.
    static constexpr std::size_t small_frame_bytes = 16 * 1024;

    explicit RequestBudget(std::size_t total_bytes);
    RequestBudget(const RequestBudget&) = delete;
    RequestBudget& operator=(const RequestBudget&) = delete;
    ~RequestBudget() { account_->notify = nullptr; }

    /// Bytes that are counted until they are released, or this is destroyed.
    class Charge {
     public:
        Charge() = default;
        explicit Charge(RequestBudget& budget) : account_(budget.account_) {}
        Charge(Charge&& other) noexcept : account_(std::move(other.account_)), bytes_(std::exchange(other.bytes_, 0)) {}
        Charge& operator=(Charge&& other) noexcept {
            std::swap(account_, other.account_);
            std::swap(bytes_, other.bytes_);
            return *this;
        }
        ~Charge() { release(); }

        /// Requires: made with a budget.
        void add(std::size_t bytes) {
            bytes_ += bytes;
            account_->used_bytes += bytes;
        }
        /// So many of its bytes as a charge of their own. Requires: it has them.
        Charge split(std::size_t bytes) {
            MOLDAU_ASSERT(bytes <= bytes_);
            Charge part;
            part.account_ = account_;
            part.bytes_ = bytes;
            bytes_ -= bytes;
            return part;
        }
        void release() {
            if (bytes_ > 0) account_->give_back(std::exchange(bytes_, 0));
        }
        std::size_t bytes() const { return bytes_; }

     private:
        std::shared_ptr<Account> account_;
        std::size_t bytes_ = 0;
    };

    /// Names a frame that has begun to arrive and is not whole yet. Zero names none.
    using Ticket = std::uint64_t;
    Ticket start_frame();
    void end_frame(Ticket ticket);

    bool is_spent() const { return account_->is_spent(); }

    /// Whether a started frame may read on: any while there is budget; then the oldest only, which so needs no more
    /// than itself, and small ones from the reserve. Requires: once whole it is served without waiting for another
    /// request; else no bound holds.
    bool may_read(Ticket ticket, std::size_t frame_bytes) const;

    /// Called when a frame that may_read() refused might be allowed now.
    void on_change(std::move_only_function<void()> notify) { account_->notify = std::move(notify); }

    std::size_t used_bytes() const { return account_->used_bytes; }

 private:
    const std::shared_ptr<Account> account_;
    const std::size_t reserve_bytes_;  // on top of the total
    std::set<Ticket> started_;
    Ticket next_ticket_ = 1;
};

}  // namespace moldau::net
