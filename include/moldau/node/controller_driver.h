#pragma once
// The controller's driver: asks the machine, proposes its records to the metadata log, replays them at once, and holds
// the answer back until they are committed and this node's shards see them. Owned by the node, on the first shard;
// call() may be used from every shard.

#include <memory>
#include <optional>
#include <utility>

#include <moldau/base/log.h>
#include <moldau/controller/controller.h>
#include <moldau/runtime/async.h>

namespace moldau::node {

class RaftDriver;

class ControllerDriver {
 public:
    ControllerDriver(runtime::Shard& shard, RaftDriver& raft, controller::ControllerOptions options);
    ~ControllerDriver();

    /// This node leads the quorum from now on; `image`: all that is committed. Writes what a new leader writes.
    void activate(LeaderEpoch epoch, metadata::Image image);
    void deactivate();
    bool is_active() const { return controller_.has_value(); }

    /// The metadata log has no room: who waits for a change is told so.
    void on_lack_of_room() { changed_.notify_all(); }

    /// Records below `end` are committed, and the views show them.
    void on_published(Offset end);

    /// Errc::closed when this node is not the active controller, or ceases to be before the answer stands; no_space
    /// when the disk is full; timed_out when it does not stand after `patience`: in both cases what was asked goes on,
    /// and may still happen. `more`: further arguments of the machine's handle(). Requires: called on `home`; `request`
    /// outlives the call.
    template <class Request, class... More>
    runtime::Task<Result<typename Request::Response>> call(runtime::Shard& home, const Request& request,
                                                           runtime::Duration patience, More... more) {
        return runtime::run_on(home, shard_,
                               [this, &request, patience, more...] { return decide(request, patience, more...); });
    }

    /// As long as clients wait unless told otherwise.
    static constexpr runtime::Duration default_patience = std::chrono::seconds(30);
    /// What the node's own calls have, which nobody else waits for.
    static constexpr runtime::Duration unbounded = runtime::Duration::max();

    /// Proposes what keeps an idle log moving. On the first shard.
    void write_no_op();
    /// Fences the brokers whose session has ended. On the first shard.
    void fence_stale_brokers();

 private:
    template <class Request, class... More>
    runtime::Task<Result<typename Request::Response>> decide(const Request& request, runtime::Duration patience,
                                                             More... more) {
        if (!controller_) co_return fail(Errc::closed, "this node is not the active controller");
        auto outcome = controller_->handle(request, context(), more...);
        Result<Offset> last = propose(outcome.records, outcome.is_atomic);
        if (!last) co_return std::unexpected(std::move(last).error());
        if (auto stands = co_await wait_until_published(*last, patience); !stands)
            co_return std::unexpected(std::move(stands).error());
        co_return std::move(outcome.response);
    }

    controller::Context context();
    /// Returns the offset of the last record that the answer depends on: also when there are none, what was decided
    /// before is part of it.
    Result<Offset> propose(const controller::Records& records, bool is_atomic);
    runtime::Task<Result<>> wait_until_published(Offset last, runtime::Duration patience);
    /// Whether they were proposed.
    bool note_only(const controller::Records& records, bool is_atomic);

    runtime::Shard& shard_;
    RaftDriver& raft_;
    controller::ControllerOptions options_;
    std::optional<controller::Controller> controller_;
    LeaderEpoch epoch_ = no_leader_epoch;
    Offset last_proposed_ = no_offset;
    Offset published_end_{0};
    runtime::Signal changed_;
};

}  // namespace moldau::node
