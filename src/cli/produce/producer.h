#pragma once
// Sends what the accumulator closes to the partitions' leaders: several requests in flight a leader, several batches a
// partition, in order. What fails and may be tried again is tried again until its deadline; the first thing that cannot
// be delivered stops the producer. Owned by the produce command; on its shard.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <moldau/runtime/async.h>

#include "output/outage.h"
#include "output/progress.h"
#include "produce/accumulator.h"
#include "session.h"

namespace moldau::cli {

struct ProducerOptions {
    std::string topic;
    std::int16_t acks = -1;
    std::size_t max_buffered_bytes = std::size_t{32} << 20;
    std::size_t max_request_bytes = std::size_t{4} << 20;
    unsigned max_requests_per_leader = 5;
    unsigned max_batches_per_partition = 5;  ///< as many as brokers remember of an idempotent producer
    runtime::Duration first_back_off = std::chrono::milliseconds(50);
    runtime::Duration last_back_off = std::chrono::seconds(1);
    /// For how long a topic that was deleted is waited for; a broker that has just started may know it a little later.
    runtime::Duration topic_patience = std::chrono::seconds(3);
};

class Producer {
 public:
    Producer(Session& session, ProducerOptions options, AccumulatorOptions batches, Progress* progress = nullptr);
    Producer(const Producer&) = delete;
    Producer& operator=(const Producer&) = delete;
    ~Producer();

    /// Takes a record for `partition`. After a stop it is counted and goes nowhere.
    void add(std::int32_t partition, const protocol::RecordToWrite& record);

    /// Sends what may be sent now. Call after adding.
    void dispatch();

    /// Waits until there is room for more, or the producer has stopped.
    runtime::Task<void> wait_for_room();

    /// Delivers all that was added, or gives up on it; afterwards nothing of the producer runs any more.
    runtime::Task<void> finish();

    bool stopped() const { return stopped_; }
    /// Why it stopped. Requires: stopped.
    const Failure& failure() const { return failure_; }
    std::int64_t added() const { return added_; }
    std::int64_t acknowledged() const { return acknowledged_; }
    /// Called when a partition's batch is closed.
    void on_batch_closed(std::function<void(std::int32_t partition)> notify) { batch_closed_ = std::move(notify); }
    /// Told, on and off, of brokers that take nothing for a while.
    void on_notice(Outage::Notify notify) { outage_.on_notice(std::move(notify)); }
    /// Called once, when the producer stops.
    void on_stopped(std::function<void()> notify) { stopped_notice_ = std::move(notify); }

 private:
    struct Partition {
        std::deque<Batch> ready;
        std::vector<Batch> returned;  // failed, to be sent again once in_flight is 0
        unsigned in_flight = 0;
        unsigned failures_in_row = 0;
        runtime::TimePoint not_before{};
        std::string last_failure;
    };

    bool may_send(const Partition& partition, runtime::TimePoint now) const;
    /// One request for one leader; empty when there is nothing to send now.
    std::vector<Batch> collect(NodeId leader, runtime::TimePoint now);
    runtime::Task<void> send(NodeId leader, std::vector<Batch> batches, runtime::Gate::Hold hold);
    void settle(Batch batch, protocol::ErrorCode error, const std::optional<protocol::Text>& message);
    void settle_failed(std::vector<Batch> batches, const Failure& failure);
    void send_again(Batch batch, std::string reason);
    void landed(std::int32_t index);
    void give_up(const Batch& batch, Failure failure);
    void stop(Failure failure);
    void note_whether_topic_is_there();
    void expire(runtime::TimePoint now);
    void drop_unsent();
    void ask_for_leaders();
    runtime::Task<void> refresh(runtime::Gate::Hold hold);
    void wake_at(runtime::TimePoint at);
    bool is_settled() const;
    bool idempotent() const { return idempotent_; }

    Session& session_;
    runtime::Shard& shard_;
    ProducerOptions options_;
    Progress* progress_;
    bool idempotent_;
    Accumulator accumulator_;
    std::function<void(std::int32_t)> batch_closed_;
    std::function<void()> stopped_notice_;
    std::map<std::int32_t, Partition> partitions_;
    std::map<NodeId, unsigned> requests_;  // in flight, by leader
    std::size_t closed_bytes_ = 0;         // of batches that are closed and not settled
    std::int64_t added_ = 0;
    std::int64_t acknowledged_ = 0;
    bool stopped_ = false;
    bool refreshing_ = false;
    runtime::TimePoint no_refresh_before_{};
    std::optional<runtime::TimePoint> topic_gone_since_;  // as far as brokers told
    Failure failure_;
    Outage outage_;
    runtime::TimerQueue::Id wake_;
    runtime::Signal progress_made_;
    runtime::Gate gate_;  // holds what was spawned
};

}  // namespace moldau::cli
