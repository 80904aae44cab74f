// Fetch: committed records from many partitions, with sessions (KIP-227) and long polls.

#include <algorithm>
#include <chrono>
#include <iterator>
#include <limits>
#include <unordered_map>
#include <utility>

#include <moldau/protocol/messages/fetch.h>
#include <moldau/replication/partition.h>

#include "../handlers.h"
#include "partition_reads.h"

namespace moldau::api {
namespace {

using protocol::ErrorCode;
using protocol::FetchRequest;
using protocol::FetchResponse;
using replication::Isolation;
using replication::ReadOutcome;
using replication::ReadRequest;

constexpr std::int16_t first_version_with_topic_ids = 13;
constexpr std::int16_t first_version_with_replica_state = 15;
constexpr std::int16_t first_version_with_leaders = 16;  ///< KIP-951

struct FetchAnswer {
    FetchResponse message;
    std::vector<net::FileSlice> slices;
};

/// Whether it is still worth waiting for records: not when the client sends no more, and so may be gone. Touched on the
/// shard of the session.
struct Patience {
    bool is_over = false;
    std::weak_ptr<FetchSession> waits_in;

    void end() {
        is_over = true;
        if (const auto session = waits_in.lock()) session->changed.notify_all();
    }
};

/// Each is a few MiB of the device's, which nobody may ever ask for.
constexpr std::size_t most_checked_ahead = 16;

/// The last one first, and others on the I/O pool have their turn after each.
void check_next_ahead(runtime::Disk& disk, std::vector<storage::LogSlice> slices) {
    if (slices.empty()) return;
    runtime::post_blocking(disk, [&disk, slices = std::move(slices)]() mutable {
        slices.back().ahead->run_ahead(slices.back());
        slices.pop_back();
        check_next_ahead(disk, std::move(slices));
    });
}

/// One fetch being served, on the shard of its session.
class FetchOperation {
 public:
    FetchOperation(Shell& shell, const net::Peer& peer, FetchRequest& request, std::int16_t version, Patience& patience)
        : shell_(shell), peer_(peer), request_(request), version_(version), patience_(patience) {}

    runtime::Task<FetchAnswer> run();

 private:
    /// Whether some that found no room are to be read again, since what took it cannot be sent.
    runtime::Task<bool> read_dirty();
    /// On the I/O pool, from where records that are not cached come.
    auto check(ReadOutcome outcome) const {
        return runtime::run_blocking(shell_.node.disk(), shell_.shard, [outcome = std::move(outcome)]() mutable {
            outcome.check();
            return std::move(outcome);
        });
    }
    void take(FetchEntry& entry, ReadOutcome outcome);
    /// Looks at what the next request will ask for while this one's answer is sent.
    void check_ahead() const;
    node::FoundPartition locate(const FetchKey& key) const;
    /// Who fetches: a broker, or a negative number.
    NodeId replica() const {
        return version_ >= first_version_with_replica_state ? request_.replica_state.replica_id : request_.replica_id;
    }
    bool may_read(std::string_view topic) const {
        if (replica().value() >= 0)
            return shell_.authorizer.allows(peer_, Operation::cluster_action, ResourceType::cluster, cluster_resource);
        return shell_.authorizer.allows(peer_, Operation::read, ResourceType::topic, topic);
    }
    FetchResponse::LeaderIdAndEpoch current_leader(const FetchKey& key) const;
    ReadRequest read_request(const FetchEntry& entry) const;
    FetchAnswer answer(const FetchSessions::Begun& begun);
    /// To be read now: not read by this request yet, or changed since.
    bool is_pending(FetchEntry& entry) const { return entry.unread || !results_by_entry_.contains(&entry); }
    /// There was no partition to ask. As in Kafka the others are waited for all the same.
    static bool was_not_asked(const ReadOutcome& outcome) {
        return outcome.error == ErrorCode::unknown_topic_id || outcome.error == ErrorCode::unknown_topic_or_partition ||
               outcome.error == ErrorCode::topic_authorization_failed;
    }
    /// Kafka's are null where a partition was asked for no list, and empty where there was no partition to ask.
    static bool lists_aborted(const ReadOutcome& outcome) { return outcome.aborted || was_not_asked(outcome); }
    bool enough() const {
        return must_answer_ || not_asked_ == session_->partitions.size() ||
               bytes_ >= std::clamp<std::int64_t>(request_.min_bytes, 0, budget_);
    }

    Shell& shell_;
    const net::Peer& peer_;
    FetchRequest& request_;
    std::int16_t version_;
    Patience& patience_;
    std::shared_ptr<FetchSession> session_;
    std::unordered_map<FetchEntry*, ReadOutcome> results_by_entry_;
    std::vector<FetchEntry*> order_;  ///< in which the client named them: that of the answer
    std::size_t not_asked_ = 0;       ///< of the results
    std::int64_t bytes_ = 0;
    std::int64_t budget_ = 0;
    bool must_answer_ = false;
};

runtime::Task<FetchAnswer> FetchOperation::run() {
    const FetchSessions::Begun begun = shell_.sessions.begin(request_, version_ >= first_version_with_topic_ids);
    if (begun.error != ErrorCode::none) {
        FetchAnswer refused;
        refused.message.error_code = begun.error;
        co_return refused;
    }
    session_ = begun.session;
    session_->in_use = true;
    // The session knows them now: who waits long need not keep them.
    request_.topics = {};
    request_.forgotten_topics_data = {};
    patience_.waits_in = session_;
    budget_ = std::min<std::int64_t>(std::max(request_.max_bytes, 0), shell_.limits.max_fetch_bytes);
    const auto deadline =
        runtime::after(shell_.shard.now(), std::chrono::milliseconds(std::max(request_.max_wait_ms, 0)));
    for (;;) {
        while (co_await read_dirty()) {
        }
        if (enough() || patience_.is_over || shell_.shard.now() >= deadline) break;
        if (session_->id == 0 && shell_.sessions.is_crowded()) break;
        if (std::ranges::any_of(session_->partitions.dirty(), [this](FetchEntry& entry) { return is_pending(entry); }))
            continue;  // something changed while other shards were read
        if (!co_await session_->changed.wait(deadline)) break;
    }
    session_->in_use = false;
    session_->last_used = shell_.shard.now();
    check_ahead();
    co_return answer(begun);
}

runtime::Task<bool> FetchOperation::read_dirty() {
    // Those of one shard in one hop, in the order of the session within it, and the shard of the first before others:
    // what found no room is among the first of the next answer.
    struct Order {
        FetchEntry* entry;
        node::FoundPartition located;
    };
    std::vector<std::vector<Order>> by_shard;
    const auto of_shard = [&by_shard](const runtime::Shard& shard) -> std::vector<Order>& {
        const auto found = std::ranges::find_if(
            by_shard, [&shard](const auto& orders) { return &orders.front().located.partition->shard() == &shard; });
        return found == by_shard.end() ? by_shard.emplace_back() : *found;
    };
    std::vector<FetchEntry*> pending;
    for (FetchEntry& entry : session_->partitions.dirty())
        if (is_pending(entry)) pending.push_back(&entry);
    for (FetchEntry* entry : pending) {
        entry->unread = false;
        if (const auto before = results_by_entry_.find(entry); before == results_by_entry_.end()) {
            order_.push_back(entry);
        } else if (const auto records = std::exchange(before->second.records, std::nullopt)) {
            bytes_ -= static_cast<std::int64_t>(records->size_bytes);  // it is read anew, with as much room
        }
        node::FoundPartition located = locate(entry->key);
        if (located.partition) {
            std::vector<Order>& orders = of_shard(located.partition->shard());
            orders.push_back({entry, std::move(located)});
        } else {
            take(*entry, ReadOutcome{.error = located.error});
        }
    }
    bool room_came_back = false;
    for (std::vector<Order>& orders : by_shard) {
        runtime::Shard& there = orders.front().located.partition->shard();
        for (Order& order : orders) waiter_at(session_, *order.entry, order.located.partition);
        const auto read_all = [this, &orders] {
            std::vector<ReadOutcome> outcomes;
            outcomes.reserve(orders.size());
            std::int64_t left = budget_ - bytes_;
            bool nothing_yet = bytes_ == 0;
            for (Order& order : orders) {
                ReadRequest wanted = read_request(*order.entry);
                wanted.max_bytes = static_cast<std::size_t>(
                    std::clamp<std::int64_t>(order.entry->max_bytes, 0, std::max<std::int64_t>(left, 0)));
                wanted.at_least_one = nothing_yet;
                outcomes.push_back(order.located.partition->read(wanted, order.entry->waiter));
                if (outcomes.back().records) {
                    left -= static_cast<std::int64_t>(outcomes.back().records->size_bytes);
                    nothing_yet = false;
                }
            }
            return outcomes;
        };
        std::vector<ReadOutcome> outcomes = co_await runtime::call_on(shell_.shard, there, read_all);
        for (std::size_t i = 0; i < orders.size(); ++i) {
            if (outcomes[i].needs_check()) {
                const std::size_t wanted_bytes = outcomes[i].records->size_bytes;
                outcomes[i] = co_await check(std::move(outcomes[i]));
                // No use to wait for more.
                if (outcomes[i].records && outcomes[i].records->size_bytes < wanted_bytes) must_answer_ = true;
                if (!outcomes[i].records) room_came_back = true;
            }
            take(*orders[i].entry, std::move(outcomes[i]));
        }
    }
    if (!room_came_back) co_return false;
    bool is_again = false;
    for (FetchEntry* entry : pending) {
        const ReadOutcome& outcome = results_by_entry_.at(entry);
        if (outcome.error != ErrorCode::none || outcome.records || outcome.high_watermark <= entry->fetch_offset)
            continue;
        entry->unread = is_again = true;
    }
    co_return is_again;
}

void FetchOperation::take(FetchEntry& entry, ReadOutcome outcome) {
    const auto result = results_by_entry_.try_emplace(&entry).first;
    if (was_not_asked(result->second)) --not_asked_;
    if (outcome.records) bytes_ += static_cast<std::int64_t>(outcome.records->size_bytes);
    if (was_not_asked(outcome)) {
        ++not_asked_;
    } else if (outcome.error != ErrorCode::none || outcome.diverging) {
        must_answer_ = true;
    }
    // Told again at each answer: errors. Read again at the next request: what was answered with data, or has some that
    // found no room in this answer.
    const bool read_again = outcome.error != ErrorCode::none || outcome.records || outcome.diverging ||
                            outcome.high_watermark > entry.fetch_offset;
    result->second = std::move(outcome);
    // It may have changed while others were checked.
    if (!read_again && !entry.unread) session_->partitions.mark_clean(entry);
}

void FetchOperation::check_ahead() const {
    std::vector<storage::LogSlice> slices;
    for (FetchEntry* entry : order_) {
        const ReadOutcome& outcome = results_by_entry_.at(entry);
        if (outcome.records && outcome.records->ahead) slices.push_back(*outcome.records);
        if (slices.size() == most_checked_ahead) break;
    }
    std::ranges::reverse(slices);
    check_next_ahead(shell_.node.disk(), std::move(slices));
}

node::FoundPartition FetchOperation::locate(const FetchKey& key) const {
    const node::View& view = shell_.node.view(shell_.shard);
    node::FoundPartition located;
    const bool by_id = version_ >= first_version_with_topic_ids;
    const metadata::TopicPtr topic =
        by_id ? view.image->find_topic(key.topic_id) : view.image->find_topic(std::string_view(key.topic));
    if (by_id && !topic) {
        located.error = ErrorCode::unknown_topic_id;
        return located;
    }
    if (!may_read(topic ? std::string_view(topic->name) : std::string_view(key.topic))) {
        located.error = ErrorCode::topic_authorization_failed;  // also where there is none: strangers learn no names
        return located;
    }
    if (!topic) {
        located.error = ErrorCode::unknown_topic_or_partition;
        return located;
    }
    if (const metadata::Partition* registered = topic->partitions.find(key.partition);
        registered && replica().value() >= 0 &&
        std::ranges::find(registered->replicas, replica()) == registered->replicas.end()) {
        located.error = ErrorCode::not_leader_or_follower;
        return located;
    }
    return view.find(*topic, key.partition, shell_.node.options().id);
}

FetchResponse::LeaderIdAndEpoch FetchOperation::current_leader(const FetchKey& key) const {
    const node::View& view = shell_.node.view(shell_.shard);
    const metadata::TopicPtr topic = view.image->find_topic(key.topic_id);
    const metadata::Partition* known = topic ? topic->partitions.find(key.partition) : nullptr;
    if (known == nullptr) return {};
    return {.leader_id = known->leader, .leader_epoch = known->leader_epoch};
}

ReadRequest FetchOperation::read_request(const FetchEntry& entry) const {
    return {.offset = entry.fetch_offset,
            .current_leader_epoch = entry.current_leader_epoch,
            .last_fetched_epoch = entry.last_fetched_epoch,
            .isolation = replica().value() < 0 ? isolation_of(request_.isolation_level) : Isolation::read_uncommitted};
}

FetchAnswer FetchOperation::answer(const FetchSessions::Begun& begun) {
    FetchAnswer result;
    result.message.session_id = session_->id;
    auto& topics = result.message.responses;
    for (FetchEntry* entry : order_) {
        const ReadOutcome& outcome = results_by_entry_[entry];
        const bool changed =
            entry->told_high_watermark != outcome.high_watermark || entry->told_log_start != outcome.log_start;
        const bool told =
            !begun.incremental || outcome.error != ErrorCode::none || outcome.records || outcome.diverging || changed;
        if (!told) continue;
        entry->told_high_watermark = outcome.high_watermark;
        entry->told_log_start = outcome.log_start;

        if (topics.empty() || topics.back().topic_id != entry->key.topic_id ||
            topics.back().topic != entry->key.topic) {
            auto& topic = topics.emplace_back();
            topic.topic_id = entry->key.topic_id;
            topic.topic = entry->key.topic;
        }
        auto& data = topics.back().partitions.emplace_back();
        data.partition_index = entry->key.partition;
        data.error_code = outcome.error;
        if (version_ >= first_version_with_leaders &&
            (outcome.error == ErrorCode::not_leader_or_follower || outcome.error == ErrorCode::fenced_leader_epoch))
            data.current_leader = current_leader(entry->key);
        data.high_watermark = outcome.high_watermark;
        data.last_stable_offset = outcome.last_stable_offset;
        data.log_start_offset = outcome.log_start;
        if (outcome.diverging)
            data.diverging_epoch = {.epoch = outcome.diverging->epoch, .end_offset = outcome.diverging->end_offset};
        if (!lists_aborted(outcome)) data.aborted_transactions.reset();
        if (outcome.aborted)
            for (const storage::AbortedTransaction& aborted : *outcome.aborted)
                data.aborted_transactions->push_back(
                    {.producer_id = aborted.producer_id, .first_offset = aborted.first_offset});
        if (outcome.records) {
            data.records = protocol::Records::external(static_cast<std::uint32_t>(result.slices.size()),
                                                       outcome.records->size_bytes);
            result.slices.push_back({outcome.records->file, outcome.records->position, outcome.records->size_bytes});
            if (entry->dirty) session_->partitions.move_to_back(*entry);
        } else {
            data.records = protocol::Records::borrow({});
        }
    }
    return result;
}

/// The frame goes before the wait, which may be long: nothing of the request borrows from it any more.
void release_frame(Call& call, FetchRequest& request) {
    for (auto& topic : request.topics) topic.topic = topic.topic.owned();
    for (auto& topic : request.forgotten_topics_data) topic.topic = topic.topic.owned();
    request.cluster_id.reset();
    request.rack_id = {};
    call.request.frame = {};
    call.request.budget.release();
}

runtime::Task<FetchAnswer> run_fetch(Shell& shell, Call& call, FetchRequest& request, Patience& patience) {
    FetchOperation operation(shell, call.peer(), request, call.version(), patience);
    co_return co_await operation.run();
}

}  // namespace

Answer<net::Response> fetch(Call& call, FetchRequest& request) {
    release_frame(call, request);
    // A session's requests may come over any connection; it is served, and ended, where it lives.
    Shell* where = &call.shell;
    if (request.session_id > 0)
        where = &call.shell.on_shard(FetchSessions::shard_of(request.session_id, call.shell.shard_count()));
    if (where != &call.shell && FetchSessions::ends_session(request)) {
        co_await runtime::call_on(call.shard(), where->shard,
                                  [where, id = request.session_id] { where->sessions.end(id); });
        where = &call.shell;
    }
    const auto patience = std::make_shared<Patience>();
    net::Peer& peer = *call.request.peer;
    patience->is_over = peer.input_has_ended;
    peer.on_input_end = [patience, where] { where->shard.post([patience] { patience->end(); }); };
    FetchAnswer answer = co_await runtime::run_on(call.shard(), where->shard, [where, &call, &request, &patience] {
        return run_fetch(*where, call, request, *patience);
    });
    peer.on_input_end = {};
    co_return encode_response(call.request, answer.message, std::move(answer.slices));
}

}  // namespace moldau::api
