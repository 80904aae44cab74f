#pragma once
// Helpers over shards and tasks: awaiting a port, spawning, hopping to another shard, sleeping, signals and gates.

#include <exception>
#include <list>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/this_coro.hpp>

#include <moldau/base/assert.h>
#include <moldau/runtime/shard.h>

namespace moldau::runtime {

/// Makes an awaitable of a port's operation: `start` is called with the Handler<Args…> when it is awaited.
template <class... Args, class Start>
auto async(Start start) {
    return boost::asio::async_initiate<const boost::asio::deferred_t&, void(Args...)>(
        [](auto handler, Start begin) { std::move(begin)(Handler<Args...>(std::move(handler))); },
        boost::asio::deferred, std::move(start));
}

/// Starts a task on `shard`. An exception that leaves it is a programmer's error and ends the process.
void spawn(Shard& shard, Task<void> task);

namespace detail {

/// How what returns an R tells that it is done.
template <class R>
struct Telling {
    using Tell = Handler<R>;
    template <class Start>
    static auto async(Start start) {
        return runtime::async<R>(std::move(start));
    }
};
template <>
struct Telling<void> {
    using Tell = Handler<>;
    template <class Start>
    static auto async(Start start) {
        return runtime::async<>(std::move(start));
    }
};

template <class F, class R>
class CallWork final : public Work {
    using Tell = typename Telling<R>::Tell;

 public:
    CallWork(F callable, Shard& home, Tell tell)
        : callable_(std::move(callable)), home_(home), tell_(std::move(tell)) {}

    void run() override {
        if (!result_) {
            if constexpr (std::is_void_v<R>) {
                callable_();
                result_.emplace();
            } else {
                result_.emplace(callable_());
            }
            home_.post(static_cast<Work&>(*this));
            return;
        }
        Tell tell = std::move(tell_);
        Result result = std::move(*result_);
        delete this;
        if constexpr (std::is_void_v<R>) {
            std::move(tell)();
        } else {
            std::move(tell)(std::move(result));
        }
    }
    void drop() override { delete this; }

 private:
    using Result = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

    F callable_;
    Shard& home_;
    Tell tell_;
    std::optional<Result> result_;
};

}  // namespace detail

/// Runs `callable`, which must not wait, on `target`, at once where that is `home`, and brings its result home.
/// Requires: called on `home`.
template <class F>
Task<std::invoke_result_t<F&>> call_on(Shard& home, Shard& target, F callable) {
    using R = std::invoke_result_t<F&>;
    using Told = detail::Telling<R>;
    if (&home == &target) co_return callable();
    co_return co_await Told::async([&home, &target, &callable](typename Told::Tell tell) {
        target.post(static_cast<Work&>(*new detail::CallWork<F, R>(std::move(callable), home, std::move(tell))));
    });
}

/// Runs the coroutine that `make()` returns on `target`, in place where that is `home`, and brings its result home.
/// `make` is called on `target`. R is void or default constructible. Requires: called on `home`.
template <class Make>
std::invoke_result_t<Make&> run_on(Shard& home, Shard& target, Make make) {
    using Told = detail::Telling<typename std::invoke_result_t<Make&>::value_type>;
    if (&home == &target) co_return co_await make();
    co_return co_await Told::async([&home, &target, &make](typename Told::Tell tell) {
        target.post([&home, &target, make = std::move(make), tell = std::move(tell)]() mutable {
            boost::asio::co_spawn(target.executor(), std::move(make),
                                  [&home, tell = std::move(tell)](std::exception_ptr failure, auto... result) mutable {
                                      if (failure) std::terminate();
                                      home.post([tell = std::move(tell), ... result = std::move(result)]() mutable {
                                          std::move(tell)(std::move(result)...);
                                      });
                                  });
        });
    });
}

/// Wakes those who wait for a state to change. Lives on one shard; no memory: a notify without waiters is forgotten, so
/// check the state before waiting. The handlers wait in the shard's timer queue, not here: where a waiting coroutine
/// owns what holds the signal, the two would keep each other alive past the end of the shard.
class Signal {
 public:
    explicit Signal(Shard& shard) : shard_(shard) {}
    Signal(const Signal&) = delete;
    Signal& operator=(const Signal&) = delete;
    ~Signal();

    /// Completes with true when notified, with false at `deadline`.
    auto wait(TimePoint deadline = never) {
        return async<bool>([this, deadline](Handler<bool> handler) { add(deadline, std::move(handler)); });
    }

    void notify_all();
    bool has_waiters() const { return !waiters_.empty(); }

 private:
    struct Waiter {
        TimerQueue::Id timer;
        bool notified = false;
    };
    void add(TimePoint deadline, Handler<bool> handler);

    Shard& shard_;
    std::list<Waiter> waiters_;
};

/// Completes with true at `deadline`. Requires: called on `shard`.
inline auto sleep_until(Shard& shard, TimePoint deadline) {
    return async<bool>([&shard, deadline](Handler<bool> handler) {
        shard.timers().add(deadline, [handler = std::move(handler)]() mutable { std::move(handler)(true); });
    });
}

/// Completes with true when everything that is queued on `shard` has had its turn. Requires: called on `shard`.
inline auto yield(Shard& shard) {
    return async<bool>([&shard](Handler<bool> handler) {
        shard.post([handler = std::move(handler)]() mutable { std::move(handler)(true); });
    });
}

/// Counts what runs inside something that will be closed, and lets the closer wait until all of it has left.
/// Lives on one shard.
class Gate {
 public:
    explicit Gate(Shard& shard) : left_(shard) {}

    /// Keeps the gate from closing while it lives. Moves; does not copy.
    class Hold {
     public:
        Hold() = default;
        Hold(Hold&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
        Hold& operator=(Hold&& other) noexcept {
            std::swap(gate_, other.gate_);
            return *this;
        }
        ~Hold() {
            if (gate_ != nullptr) gate_->leave();
        }
        explicit operator bool() const { return gate_ != nullptr; }

     private:
        friend class Gate;
        explicit Hold(Gate& gate) : gate_(&gate) {}
        Gate* gate_ = nullptr;
    };

    /// False once closing has begun.
    Hold enter() {
        if (closing_) return {};
        ++inside_;
        return Hold(*this);
    }

    /// Lets nobody in any more and completes with true when all have left, with false at `deadline`.
    Task<bool> close(TimePoint deadline = never);

 private:
    void leave();

    Signal left_;
    std::size_t inside_ = 0;
    bool closing_ = false;
};

}  // namespace moldau::runtime
