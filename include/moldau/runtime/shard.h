#pragma once
// A shard is one thread's share of the broker: it owns connections and partitions, and nothing of it is touched from
// another. Executor lets Asio's coroutines run on it, in production and in the simulator alike.

#include <atomic>
#include <memory>
#include <type_traits>
#include <utility>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/execution.hpp>

#include <moldau/runtime/random.h>
#include <moldau/runtime/time.h>
#include <moldau/runtime/timer_queue.h>

namespace moldau::runtime {

/// Something to run once on a shard. Intrusive: it is its own node in the shard's queue and destroys itself.
class Work {
 public:
    /// Runs and destroys it (or hands it on).
    virtual void run() = 0;
    /// Destroys it without running: its shard is gone.
    virtual void drop() = 0;

    Work* next = nullptr;  ///< for the queue that holds it

 protected:
    ~Work() = default;
};

class Executor;

class Shard {
 public:
    virtual ~Shard() = default;

    /// Queues `work` behind what is queued. From any thread; of one poster in order. A shard that has ended drops it.
    virtual void post(Work& work) = 0;

    /// True on the shard's own thread, while it runs work.
    virtual bool is_current() const = 0;

    virtual unsigned index() const = 0;
    virtual Clock& clock() = 0;
    virtual Random& random() = 0;      ///< on this shard only
    virtual TimerQueue& timers() = 0;  ///< on this shard only

    TimePoint now() { return clock().now(); }
    Executor executor();

    /// Queues a callable.
    template <class F>
    void post(F callable);
};

namespace detail {

template <class F>
class CallableWork final : public Work {
 public:
    explicit CallableWork(F callable) : callable_(std::move(callable)) {}
    void run() override {
        F callable = std::move(callable_);
        delete this;  // before the call, so that the memory can be used again by what it starts
        std::move(callable)();
    }
    void drop() override { delete this; }

 private:
    F callable_;
};

}  // namespace detail

template <class F>
void Shard::post(F callable) {
    static_cast<Shard*>(this)->post(static_cast<Work&>(*new detail::CallableWork<F>(std::move(callable))));
}

/// An Asio executor that runs on a shard: in place when already there, unless asked never to.
class Executor {
 public:
    explicit Executor(Shard& shard) : shard_(&shard) {}

    Shard& shard() const { return *shard_; }

    template <class F>
    void execute(F&& callable) const {
        if (!never_inline_ && shard_->is_current()) {
            std::decay_t<F>(std::forward<F>(callable))();
            return;
        }
        shard_->post(std::decay_t<F>(std::forward<F>(callable)));
    }

    Executor require(boost::asio::execution::blocking_t::never_t) const { return with(true); }
    Executor require(boost::asio::execution::blocking_t::possibly_t) const { return with(false); }
    boost::asio::execution::blocking_t query(boost::asio::execution::blocking_t) const noexcept {
        if (never_inline_) return boost::asio::execution::blocking.never;
        return boost::asio::execution::blocking.possibly;
    }

    friend bool operator==(const Executor&, const Executor&) noexcept = default;

 private:
    Executor with(bool never_inline) const {
        Executor copy = *this;
        copy.never_inline_ = never_inline;
        return copy;
    }

    Shard* shard_;
    bool never_inline_ = false;
};

inline Executor Shard::executor() {
    return Executor(*this);
}

/// A coroutine of the shell: connections, handlers, fetchers. Runs on one shard; never in a pure core.
template <class T = void>
using Task = boost::asio::awaitable<T, Executor>;

/// What a port completes with; called exactly once, on the shard that started the operation, never inside the call
/// that started it. Destroyed uncalled only when its shard ends.
template <class... Args>
using Handler = boost::asio::any_completion_handler<void(Args...)>;

}  // namespace moldau::runtime
