#include "consume/offsets.h"

#include <fmt/format.h>

#include <moldau/protocol/messages/list_offsets.h>

namespace moldau::cli {

using protocol::ErrorCode;
using runtime::Task;

namespace {

using Offsets = std::map<std::int32_t, Offset>;

struct Query {
    std::string topic;
    Timestamp time;
    bool read_committed;
};

/// Asks one leader; what it answered is moved from `wanted` to `offsets`, and a failure is returned only when it is
/// final.
Task<Outcome<>> ask(Session& session, const Query& query, NodeId leader, std::vector<std::int32_t>& wanted,
                    Offsets& offsets, Failure& last) {
    protocol::ListOffsetsRequest request;
    request.replica_id = no_node;
    request.isolation_level = query.read_committed ? 1 : 0;
    request.timeout_ms = 30'000;
    auto& topic = request.topics.emplace_back();
    topic.name = protocol::Text::borrow(query.topic);
    for (const std::int32_t index : wanted) {
        if (session.leader_of(query.topic, index) != leader) continue;
        auto& partition = topic.partitions.emplace_back();
        partition.partition_index = PartitionIndex(index);
        partition.timestamp = query.time;
    }
    CallOptions call;
    call.node = leader;
    auto answer = co_await session.call(request, call);
    if (!answer && !answer.error().retriable) co_return std::unexpected(answer.error());
    if (!answer) {
        last = answer.error();
        co_return Outcome<>();
    }
    for (const auto& answered : (*answer)->topics) {
        for (const auto& partition : answered.partitions) {
            const std::int32_t index = partition.partition_index.value();
            if (partition.error_code == ErrorCode::none) {
                offsets[index] = partition.offset;
                std::erase(wanted, index);
                continue;
            }
            last = failure_of(partition.error_code, fmt::format("partition {} of topic '{}'", index, query.topic));
            if (!last.retriable) co_return std::unexpected(last);
        }
    }
    co_return Outcome<>();
}

}  // namespace

Task<Outcome<Offsets>> list_offsets(Session& session, std::string topic, std::vector<std::int32_t> partitions,
                                    Timestamp time, bool read_committed, Outage& outage) {
    const Query query{std::move(topic), time, read_committed};
    runtime::Shard& shard = session.shard();
    const runtime::TimePoint deadline = session.deadline();
    Offsets offsets;
    while (true) {
        Failure last{ExitCode::timed_out, fmt::format("topic '{}': a partition has no leader", query.topic), true};
        std::set<NodeId> leaders;
        for (const std::int32_t index : partitions) leaders.insert(session.leader_of(query.topic, index));
        leaders.erase(no_node);
        outage.begin();
        for (const NodeId leader : leaders) {
            Outcome<> asked = co_await ask(session, query, leader, partitions, offsets, last);
            if (!asked) last = std::move(asked).error();
            if (!last.retriable) break;
        }
        if (last.retriable && partitions.empty()) {
            outage.succeeded();
            co_return offsets;
        }
        outage.failed(last.message);
        if (!last.retriable || shard.now() >= deadline) co_return std::unexpected(std::move(last));
        co_await runtime::sleep_until(shard, runtime::after(shard.now(), std::chrono::milliseconds(100)));
        const Outcome<> known = co_await session.refresh(std::vector<std::string>{query.topic});
        if (!known && !known.error().retriable) co_return std::unexpected(known.error());
    }
}

Task<Outcome<Offsets>> find_start(Session& session, std::string topic, std::vector<std::int32_t> partitions,
                                  StartPosition start, bool read_committed, Outage& outage) {
    using Kind = StartPosition::Kind;
    Offsets offsets;
    if (start.kind == Kind::offset) {
        for (const std::int32_t index : partitions) offsets[index] = Offset(start.value);
        co_return offsets;
    }
    if (start.kind == Kind::earliest)
        co_return co_await list_offsets(session, topic, partitions, earliest_offset, read_committed, outage);
    CLI_CO_TRY(ends, co_await list_offsets(session, topic, partitions, latest_offset, read_committed, outage));
    if (start.kind == Kind::latest) co_return ends;
    if (start.kind == Kind::time) {
        CLI_CO_TRY(found,
                   co_await list_offsets(session, topic, partitions, Timestamp(start.value), read_committed, outage));
        for (const auto& [index, offset] : found) offsets[index] = offset == no_offset ? ends[index] : offset;
        co_return offsets;
    }
    CLI_CO_TRY(begins, co_await list_offsets(session, topic, partitions, earliest_offset, read_committed, outage));
    for (const auto& [index, end] : ends)
        offsets[index] = start.value > end - begins[index] ? begins[index] : end - start.value;
    co_return offsets;
}

}  // namespace moldau::cli
