#pragma once
// Runs a machine over its partition: loads it from the log, asks it, appends what it wants remembered and replays that
// at once, so that the next request decides on it; holds every answer back, but one that says that it need not wait,
// until all that was written before it is committed, so that nobody is told what may be lost. On the partition's shard,
// but for call().

#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include <moldau/base/log.h>
#include <moldau/coordinator/machine.h>
#include <moldau/coordinator/partition_log.h>
#include <moldau/runtime/async.h>

namespace moldau::coordinator {

/// An answer, or why there is none: COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE, or the
/// error with which the append of what was decided was refused.
template <class Response>
using Answered = std::expected<Response, protocol::ErrorCode>;

template <class Machine>
class Driver : public std::enable_shared_from_this<Driver<Machine>> {
 public:
    using Answer = typename Machine::Answer;
    using MakeMachine = std::function<std::unique_ptr<Machine>()>;

    Driver(std::shared_ptr<replication::Partition> partition, runtime::Disk& disk, MakeMachine make)
        : log_(std::move(partition), disk), make_(std::move(make)) {}

    runtime::Shard& shard() const { return log_.shard(); }

    /// Loads in the background. Called once.
    void start() { runtime::spawn(shard(), load(this->shared_from_this())); }

    /// For good: this node leads the partition no more, or stops. Who waits is told NOT_COORDINATOR.
    void stop() {
        if (state_ == State::stopped) return;
        state_ = State::stopped;
        shard().timers().cancel(timer_);
        for (const auto& [ticket, waiting] : waiting_)
            waiting->give(std::unexpected(protocol::ErrorCode::not_coordinator));
        machine_.reset();
    }

    /// Asks the machine. Requires: on `home`; request and caller outlive the call.
    template <class Response, class Request>
    runtime::Task<Answered<Response>> call(runtime::Shard& home, const Request& request, Caller caller) {
        return runtime::run_on(home, shard(), [self = this->shared_from_this(), &request, caller] {
            return decide<Response>(self, request, caller);
        });
    }

 private:
    enum class State : std::uint8_t { loading, failed, active, stopped };

    /// In the frame of who waits.
    struct Waiting {
        explicit Waiting(runtime::Shard& shard) : changed(shard) {}
        void give(Answered<Answer> result) {
            answer = std::move(result);
            changed.notify_all();
        }
        std::optional<Answered<Answer>> answer;
        runtime::Signal changed;
    };

    /// After which a log that could not be read is tried again.
    static constexpr runtime::Duration retry_interval = std::chrono::seconds(30);

    static runtime::Task<void> load(std::shared_ptr<Driver> self) {
        while (self->state_ != State::stopped) {
            self->state_ = State::loading;
            self->machine_ = self->make_();
            const auto begun = self->shard().now();
            const Result<> loaded =
                co_await self->log_.load([&self](Offset offset, const protocol::RecordView& record) -> Result<> {
                    if (self->state_ == State::stopped) return fail(Errc::closed, "it is stopped");
                    return self->machine_->replay(offset, record);
                });
            if (self->state_ == State::stopped) co_return;
            if (loaded) {
                const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(self->shard().now() - begun);
                log::debug("the coordinator of {} is loaded, in {} ms", self->log_.name(), took.count());
                co_return self->begin();
            }
            log::error("the coordinator of {} cannot be loaded: {}", self->log_.name(), loaded.error().message);
            self->state_ = State::failed;
            co_await runtime::sleep_until(self->shard(), runtime::after(self->shard().now(), retry_interval));
        }
    }

    void begin() {
        state_ = State::active;
        Output<Answer> out;
        machine_->on_loaded(context(), out);
        carry_out(std::move(out));
    }

    template <class Response, class Request>
    static runtime::Task<Answered<Response>> decide(std::shared_ptr<Driver> self, const Request& request,
                                                    Caller caller) {
        using protocol::ErrorCode;
        switch (self->state_) {
            case State::loading:
                co_return std::unexpected(ErrorCode::coordinator_load_in_progress);
            case State::failed:
                co_return std::unexpected(ErrorCode::coordinator_not_available);
            case State::stopped:
                co_return std::unexpected(ErrorCode::not_coordinator);
            case State::active:
                break;
        }
        Waiting waiting(self->shard());
        const Ticket ticket = ++self->last_ticket_;
        struct Place {
            Place(Driver& driver, Ticket of, Waiting& there) : driver_(driver), ticket_(of) {
                driver_.waiting_.emplace(ticket_, &there);
            }
            ~Place() { driver_.waiting_.erase(ticket_); }
            Place(const Place&) = delete;
            Place& operator=(const Place&) = delete;
            Driver& driver_;
            Ticket ticket_;
        };
        const Place place(*self, ticket, waiting);
        Output<Answer> out;
        self->machine_->handle(ticket, request, caller, self->context(), out);
        self->carry_out(std::move(out));
        while (!waiting.answer) co_await waiting.changed.wait();
        if (!*waiting.answer) co_return std::unexpected(waiting.answer->error());
        co_return std::get<Response>(std::move(**waiting.answer));
    }

    void carry_out(Output<Answer> out) {
        for (std::span<const Record> left = out.records; !left.empty();) {
            const auto batch = out.is_atomic ? left : left.first(log_.count_that_fits(left));
            const auto end = log_.append(batch);
            if (state_ != State::active) return;  // its log has failed: everybody was told
            if (!end) return undo(left, out, end.error());
            replay(batch, *end);
            written_end_ = *end;
            left = left.subspan(batch.size());
        }
        if (out.waits || !out.records.empty()) {
            give_when_committed(std::move(out.answers));
        } else {
            for (auto& [ticket, response] : out.answers) give(ticket, std::move(response));
        }
        arm_timer();
    }

    void replay(std::span<const Record> records, Offset end) {
        Offset offset = end - static_cast<std::int64_t>(records.size());
        for (const Record& record : records) {
            protocol::RecordView view;
            view.key = record.key;
            if (record.value) view.value = *record.value;
            const Result<> replayed = machine_->replay(offset, view);
            if (!replayed)
                log::error("the coordinator of {} cannot replay its own record: {}", log_.name(),
                           replayed.error().message);
            MOLDAU_ASSERT(replayed);
            ++offset;
        }
    }

    void undo(std::span<const Record> unwritten, const Output<Answer>& refused, protocol::ErrorCode error) {
        log::warn("the coordinator of {} cannot write: {}", log_.name(), error);
        for (const auto& [ticket, response] : refused.answers) give(ticket, std::unexpected(error));
        Output<Answer> out;
        machine_->on_append_failed(unwritten, context(), out);
        MOLDAU_ASSERT(out.records.empty());
        give_when_committed(std::move(out.answers));
        arm_timer();
    }

    void give_when_committed(std::vector<typename Output<Answer>::Answer> answers) {
        if (answers.empty()) return;
        log_.when_committed(written_end_, [driver = this->weak_from_this(),
                                           held = std::move(answers)](protocol::ErrorCode error) mutable {
            const auto self = driver.lock();
            if (!self) return;
            if (error != protocol::ErrorCode::none) return self->stop();
            for (auto& [ticket, response] : held) self->give(ticket, std::move(response));
        });
    }

    void give(Ticket ticket, Answered<Answer> answer) {
        // Who asked may be gone with its shard's end.
        if (const auto found = waiting_.find(ticket); found != waiting_.end()) found->second->give(std::move(answer));
    }

    Context context() {
        const auto since_start =
            std::chrono::duration_cast<std::chrono::milliseconds>(shard().now().time_since_epoch());
        return {.now_ms = since_start.count(), .wall_time = shard().clock().wall_time(), .random = [this] {
                    return shard().random().next();
                }};
    }

    void arm_timer() {
        if (state_ != State::active) return;
        const std::int64_t next_ms = machine_->next_deadline_ms();
        const runtime::TimePoint next =
            next_ms == never_ms ? runtime::never : runtime::TimePoint(runtime::duration_of_ms(next_ms));
        if (next == timer_.deadline) return;
        shard().timers().cancel(timer_);
        timer_ = {};
        if (next == runtime::never) return;
        timer_ = shard().timers().add(next, [driver = this->weak_from_this()] {
            if (const auto self = driver.lock()) self->tick();
        });
    }

    void tick() {
        timer_ = {};
        if (state_ != State::active) return;
        Output<Answer> out;
        machine_->tick(context(), out);
        carry_out(std::move(out));
    }

    PartitionLog log_;
    MakeMachine make_;
    std::unique_ptr<Machine> machine_;
    State state_ = State::loading;
    std::map<Ticket, Waiting*> waiting_;
    Ticket last_ticket_{0};
    Offset written_end_{0};
    runtime::TimerQueue::Id timer_;
};

}  // namespace moldau::coordinator
