#include "consume/consumer.h"

#include <algorithm>

#include <fmt/format.h>

#include "consume/offsets.h"

namespace moldau::cli {

using protocol::ErrorCode;
using protocol::FetchRequest;
using protocol::FetchResponse;
using runtime::Task;

namespace {
// Of brokers that know no topic ids.
constexpr std::int16_t last_version_with_names = 12;
}  // namespace

Consumer::Consumer(Session& session, ConsumerOptions options, const std::map<std::int32_t, Offset>& starts,
                   const std::map<std::int32_t, Offset>& ends)
    : session_(session),
      shard_(session.shard()),
      options_(std::move(options)),
      outage_(shard_),
      changed_(shard_),
      gate_(shard_) {
    if (const TopicInfo* topic = session_.topic(options_.topic)) topic_id_ = topic->id;
    for (const auto& [index, offset] : starts) {
        Partition& partition = partitions_[index];
        partition.position = offset;
        if (const auto end = ends.find(index); end != ends.end()) partition.end = end->second;
    }
    for (const auto& [index, partition] : partitions_)
        if (partition.end && partition.position > *partition.end) fail_beyond_end(index, partition.position);
}

void Consumer::start_loops() {
    for (const auto& [index, partition] : partitions_) {
        if (partition.is_done() || partition.is_lost) continue;
        const NodeId leader = session_.leader_of(options_.topic, index);
        if (leader == no_node) {
            ask_for_leaders();
        } else if (loops_.insert(leader).second) {
            runtime::spawn(shard_, fetch_loop(leader, gate_.enter()));
        }
    }
}

bool Consumer::all_done() const {
    return std::ranges::all_of(partitions_, [](const auto& entry) { return entry.second.is_done(); });
}

Task<Outcome<std::optional<Fetched>>> Consumer::next() {
    if (loops_.empty() && !failure_) start_loops();
    while (fetched_.empty()) {
        if (failure_) co_return std::unexpected(*failure_);
        if (stopping_ || all_done()) co_return std::optional<Fetched>();
        co_await changed_.wait();
    }
    if (stopping_) co_return std::optional<Fetched>();
    std::optional<Fetched> next(std::move(fetched_.front()));
    fetched_.pop_front();
    --ahead_[next->leader];
    changed_.notify_all();
    co_return next;
}

void Consumer::stop() {
    stopping_ = true;
    changed_.notify_all();
}

Task<void> Consumer::finish() {
    stop();
    outage_.end();
    for (auto& [index, partition] : partitions_) partition.outage.reset();
    session_.close();
    co_await gate_.close();
}

std::optional<FetchRequest> Consumer::request_for(NodeId leader) {
    FetchRequest request;
    request.max_wait_ms = options_.max_wait_ms;
    request.min_bytes = 1;
    request.max_bytes = options_.max_bytes;
    request.isolation_level = options_.read_committed ? 1 : 0;
    auto& topic = request.topics.emplace_back();
    topic.topic = protocol::Text::borrow(options_.topic);
    topic.topic_id = topic_id_;
    for (const auto& [index, partition] : partitions_) {
        if (partition.is_done() || partition.is_lost) continue;
        if (session_.leader_of(options_.topic, index) != leader) continue;
        auto& asked = topic.partitions.emplace_back();
        asked.partition = PartitionIndex(index);
        asked.fetch_offset = partition.position;
        asked.partition_max_bytes = options_.max_partition_bytes;
    }
    if (topic.partitions.empty()) return std::nullopt;
    // Brokers fill an answer from the front: each partition has its turn there.
    std::ranges::rotate(
        topic.partitions,
        topic.partitions.begin() + static_cast<std::ptrdiff_t>(shard_.random().below(topic.partitions.size())));
    return request;
}

Task<void> Consumer::fetch_loop(NodeId leader, [[maybe_unused]] runtime::Gate::Hold hold) {
    while (!stopping_ && !failure_) {
        if (ahead_[leader] >= options_.answers_ahead || refreshing_) {
            co_await changed_.wait();
            continue;
        }
        const std::optional<FetchRequest> request = request_for(leader);
        if (!request) break;  // another leads, or all is done or lost
        co_await fetch_once(leader, *request);
    }
    loops_.erase(leader);
    changed_.notify_all();
}

Task<void> Consumer::fetch_once(NodeId leader, const FetchRequest& request) {
    CallOptions call;
    call.node = leader;
    if (topic_id_ == TopicId()) call.max_version = last_version_with_names;
    outage_.begin();
    auto answer = co_await session_.call(request, call);
    if (stopping_) co_return;
    if (answer) {
        outage_.succeeded();
    } else {
        outage_.failed(answer.error().message);
    }
    if (!answer && !answer.error().retriable && answer.error().code != ExitCode::timed_out) {
        fail_with(std::move(answer).error());
    } else if (!answer) {
        ask_for_leaders();
    } else if ((*answer)->error_code != ErrorCode::none) {
        Failure failure = failure_of((*answer)->error_code, fmt::format("fetching from broker {}", leader));
        failure.retriable ? ask_for_leaders() : fail_with(std::move(failure));
    } else {
        take(leader, std::move(*answer));
    }
}

void Consumer::take(NodeId leader, Answer<FetchResponse> answer) {
    Fetched fetched{leader, std::move(answer), {}};
    std::vector<std::int32_t> lost;
    for (const auto& topic : fetched.answer->responses) {
        for (const auto& partition : topic.partitions) {
            const std::int32_t index = partition.partition_index.value();
            const auto found = partitions_.find(index);
            if (found == partitions_.end()) continue;
            if (partition.error_code == ErrorCode::offset_out_of_range) {
                found->second.is_lost = true;
                lost.push_back(index);
                continue;
            }
            if (partition.error_code != ErrorCode::none) {
                take_error(index, partition.error_code);
                continue;
            }
            found->second.answered();
            const ByteView records = partition.records.view();
            if (records.empty()) continue;
            FetchedPartition part{index, found->second.position, records, {}};
            if (options_.read_committed && partition.aborted_transactions)
                for (const auto& aborted : *partition.aborted_transactions)
                    part.aborted.push_back({aborted.producer_id, aborted.first_offset});
            found->second.position = end_of_batches(records, part.from);
            found->second.was_read = true;
            fetched.partitions.push_back(std::move(part));
        }
    }
    if (!lost.empty()) runtime::spawn(shard_, find_lost(std::move(lost), gate_.enter()));
    if (fetched.partitions.empty()) return;
    ++ahead_[leader];
    fetched_.push_back(std::move(fetched));
    changed_.notify_all();
}

void Consumer::take_error(std::int32_t index, ErrorCode error) {
    Failure failure = failure_of(error, fmt::format("partition {} of topic '{}'", index, options_.topic));
    if (!failure.retriable) return fail_with(std::move(failure));
    std::optional<Outage>& outage = partitions_[index].outage;
    if (!outage) outage.emplace(shard_).on_notice(notice_);
    outage->begin();
    outage->failed(std::move(failure.message));
    ask_for_leaders();
}

void Consumer::Partition::answered() {
    if (!outage) return;
    outage->begin();
    outage->succeeded();
    outage.reset();
}

Task<void> Consumer::find_lost(std::vector<std::int32_t> indexes, [[maybe_unused]] runtime::Gate::Hold hold) {
    // Also in read_committed: a position behind the last stable offset is not lost.
    constexpr bool read_committed = false;
    const auto starts =
        co_await list_offsets(session_, options_.topic, indexes, earliest_offset, read_committed, outage_);
    auto ends = starts;
    if (starts) ends = co_await list_offsets(session_, options_.topic, indexes, latest_offset, read_committed, outage_);
    if (stopping_) co_return;
    for (const std::int32_t index : indexes) {
        partitions_[index].is_lost = false;
        if (ends) find(index, starts->at(index), ends->at(index));
    }
    if (!ends && !ends.error().retriable) co_return fail_with(ends.error());
    if (!ends) co_return ask_for_leaders();
    start_loops();
    changed_.notify_all();
}

void Consumer::find(std::int32_t index, Offset start, Offset end) {
    Partition& partition = partitions_[index];
    if (partition.position > end) return fail_beyond_end(index, partition.position);
    // What was not there a moment ago is there now.
    if (partition.position >= start) return ask_for_leaders();
    const std::string what = fmt::format("partition {} of topic '{}'", index, options_.topic);
    if (notice_ && partition.was_read)
        notice_(fmt::format("{}: the records from offset {} to {} were deleted before they were read; going on at {}",
                            what, partition.position, start - 1, start));
    if (notice_ && !partition.was_read)
        notice_(fmt::format("{}: the records before offset {} are deleted; beginning there", what, start));
    partition.position = start;
}

void Consumer::ask_for_leaders() {
    if (refreshing_ || stopping_) return;
    refreshing_ = true;
    runtime::spawn(shard_, refresh(gate_.enter()));
}

Task<void> Consumer::refresh([[maybe_unused]] runtime::Gate::Hold hold) {
    const runtime::TimePoint until = runtime::after(shard_.now(), options_.back_off);
    while (!stopping_ && shard_.now() < until) co_await changed_.wait(until);
    if (!stopping_) (void)co_await session_.refresh(std::vector<std::string>{options_.topic});
    refreshing_ = false;
    const TopicInfo* topic = session_.topic(options_.topic);
    if (topic != nullptr && topic->error == ErrorCode::unknown_topic_or_partition) {
        fail_with({ExitCode::not_found, fmt::format("topic '{}' was deleted", options_.topic)});
    } else if (topic != nullptr && topic->error == ErrorCode::none && topic->id != topic_id_) {
        fail_with(
            {ExitCode::not_found,
             fmt::format("topic '{}' was deleted and made anew; start again to read the new one", options_.topic)});
    } else if (!stopping_) {
        start_loops();
    }
    changed_.notify_all();
}

void Consumer::fail_beyond_end(std::int32_t index, Offset offset) {
    fail_with({ExitCode::not_found,
               fmt::format("partition {} of topic '{}': there is no offset {} yet; --offset latest begins at the end{}",
                           index, options_.topic, offset,
                           partitions_.size() > 1 ? ", and --partition reads only those that are named" : "")});
}

void Consumer::fail_with(Failure failure) {
    if (!failure_) failure_ = std::move(failure);
    changed_.notify_all();
}

}  // namespace moldau::cli
