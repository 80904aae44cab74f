#include <moldau/node/controller_driver.h>
#include <moldau/node/raft_driver.h>

#include "metadata_records.h"

namespace moldau::node {
namespace {

std::unexpected<Error> no_room() {
    return fail(Errc::no_space, "the disk is full; free space, and changes of metadata go on by themselves");
}

}  // namespace

ControllerDriver::ControllerDriver(runtime::Shard& shard, RaftDriver& raft, controller::ControllerOptions options)
    : shard_(shard), raft_(raft), options_(std::move(options)), changed_(shard) {}

ControllerDriver::~ControllerDriver() = default;

void ControllerDriver::activate(LeaderEpoch epoch, metadata::Image image) {
    epoch_ = epoch;
    controller_.emplace(options_, std::move(image), context().now_ms);
    note_only(controller_->activate(), true);
    changed_.notify_all();
}

void ControllerDriver::deactivate() {
    controller_.reset();
    epoch_ = no_leader_epoch;
    changed_.notify_all();
}

void ControllerDriver::on_published(Offset end) {
    published_end_ = end;
    changed_.notify_all();
}

void ControllerDriver::write_no_op() {
    if (controller_ && !raft_.lacks_room()) note_only(controller_->no_op(), true);
}

// What cannot be proposed leaves the state as it was, and the controller may be gone: the next call tries again.
void ControllerDriver::fence_stale_brokers() {
    while (controller_ && !raft_.lacks_room()) {
        const controller::Records stale = controller_->fence_one_stale_broker(context());
        if (stale.empty() || !note_only(stale, false)) return;
    }
}

bool ControllerDriver::note_only(const controller::Records& records, bool is_atomic) {
    const auto last = propose(records, is_atomic);
    if (!last) log::warn("the controller: {}", last.error().message);
    return last.has_value();
}

controller::Context ControllerDriver::context() {
    const auto since_start = std::chrono::duration_cast<std::chrono::milliseconds>(shard_.now().time_since_epoch());
    return {.now_ms = since_start.count(), .next_offset = raft_.core().log_end(), .random = [this] {
                return shard_.random().next();
            }};
}

Result<Offset> ControllerDriver::propose(const controller::Records& records, bool is_atomic) {
    if (records.empty()) return last_proposed_;
    if (raft_.lacks_room()) return no_room();
    const Offset first = raft_.core().log_end();
    const auto last = raft_.propose(epoch_, encode_records(records),
                                    is_atomic ? raft::Grouping::one_batch : raft::Grouping::many_batches);
    if (!last) {
        if (last.error() == raft::ProposeRefusal::too_large)
            return fail(Errc::invalid, "the change has more records than fit into one batch");
        return fail(Errc::closed, "this node is not the active controller");
    }
    MOLDAU_ASSERT(*last - first + 1 == static_cast<std::int64_t>(records.size()));
    Offset offset = first;
    for (const auto& [record, version] : records) {
        const Result<> replayed = controller_->replay(record, offset);
        if (!replayed) log::error("the controller cannot replay its own record: {}", replayed.error().message);
        MOLDAU_ASSERT(replayed);
        ++offset;
    }
    last_proposed_ = *last;
    return *last;
}

runtime::Task<Result<>> ControllerDriver::wait_until_published(Offset last, runtime::Duration patience) {
    const LeaderEpoch epoch = epoch_;
    const auto deadline = runtime::after(shard_.now(), patience);
    while (published_end_ <= last) {
        if (raft_.lacks_room()) co_return no_room();
        if (!co_await changed_.wait(deadline))
            co_return fail(Errc::timed_out, "the change is noted and not in force yet; look again later");
        if (epoch_ != epoch) co_return fail(Errc::closed, "this node ceased to be the active controller");
    }
    co_return Result<>{};
}

}  // namespace moldau::node
