#include "fetch_session.h"

#include <chrono>
#include <limits>
#include <utility>

namespace moldau::api {
namespace {

using protocol::ErrorCode;

constexpr std::int32_t initial_epoch = 0;
constexpr std::int32_t final_epoch = -1;

/// A session that was not used for so long makes room for a new one.
constexpr runtime::Duration eviction_age = std::chrono::minutes(2);

std::int32_t next_epoch(std::int32_t epoch) {
    return epoch == std::numeric_limits<std::int32_t>::max() ? 1 : epoch + 1;
}

FetchKey key_of(const TopicId& topic_id, const protocol::Text& topic, PartitionIndex partition) {
    return {topic_id, topic.str(), partition};
}

}  // namespace

void FetchPartitions::update(const protocol::FetchRequest& request) {
    for (const auto& topic : request.topics) {
        for (const auto& partition : topic.partitions) {
            const FetchKey key = key_of(topic.topic_id, topic.topic, partition.partition);
            auto [known, added] = by_key_.try_emplace(key);
            if (added) {
                known->second = dirty_.emplace(dirty_.end());
                known->second->self = known->second;
                known->second->key = key;
                ++*kept_;
            }
            FetchEntry& entry = *known->second;
            entry.max_bytes = partition.partition_max_bytes;
            entry.fetch_offset = partition.fetch_offset;
            entry.current_leader_epoch = partition.current_leader_epoch;
            entry.last_fetched_epoch = partition.last_fetched_epoch;
            entry.log_start_offset = partition.log_start_offset;
            entry.unread = true;
            mark_dirty(entry);
        }
    }
}

void FetchPartitions::forget(const protocol::FetchRequest& request) {
    for (const auto& topic : request.forgotten_topics_data) {
        for (const auto& partition : topic.partitions) {
            const auto known = by_key_.find(key_of(topic.topic_id, topic.topic, partition));
            if (known == by_key_.end()) continue;
            (known->second->dirty ? dirty_ : clean_).erase(known->second);
            by_key_.erase(known);
            --*kept_;
        }
    }
}

void FetchPartitions::mark_dirty(FetchEntry& entry) {
    if (std::exchange(entry.dirty, true)) return;
    dirty_.splice(dirty_.end(), clean_, entry.self);
}

void FetchPartitions::mark_clean(FetchEntry& entry) {
    if (!std::exchange(entry.dirty, false)) return;
    clean_.splice(clean_.end(), dirty_, entry.self);
}

const std::shared_ptr<replication::FetchWaiter>& waiter_at(const std::shared_ptr<FetchSession>& session,
                                                           FetchEntry& entry,
                                                           const std::shared_ptr<const void>& partition) {
    if (entry.waiter && entry.waits_at.lock() == partition) return entry.waiter;
    if (entry.waiter) entry.waiter->cancel();
    entry.waits_at = partition;
    entry.waiter = std::make_shared<replication::FetchWaiter>(session->shard,
                                                              [waiting = std::weak_ptr(session), changed = &entry] {
                                                                  const auto alive = waiting.lock();
                                                                  if (!alive) return;
                                                                  changed->unread = true;
                                                                  alive->partitions.mark_dirty(*changed);
                                                                  alive->changed.notify_all();
                                                              });
    return entry.waiter;
}

FetchSessions::FetchSessions(std::size_t max_sessions, runtime::Shard& shard, unsigned shard_count,
                             std::size_t max_partitions)
    : max_sessions_(max_sessions), shard_(shard), shard_count_(shard_count), max_partitions_(max_partitions) {}

bool FetchSessions::ends_session(const protocol::FetchRequest& request) {
    return request.session_epoch == initial_epoch || request.session_epoch == final_epoch;
}

FetchSessions::Begun FetchSessions::begin(const protocol::FetchRequest& request, bool uses_topic_ids) {
    if (ends_session(request)) {
        end(request.session_id);
        std::shared_ptr<FetchSession> session = unkept();
        session->uses_topic_ids = uses_topic_ids;
        session->partitions.update(request);
        if (request.session_epoch == initial_epoch) keep(session);
        return {.session = std::move(session)};
    }
    const auto known = sessions_.find(request.session_id);
    if (known == sessions_.end()) return {.session = nullptr, .error = ErrorCode::fetch_session_id_not_found};
    const std::shared_ptr<FetchSession> session = known->second;
    if (session->epoch != request.session_epoch || session->in_use)
        return {.session = nullptr, .error = ErrorCode::invalid_fetch_session_epoch};
    if (session->uses_topic_ids != uses_topic_ids)
        return {.session = nullptr, .error = ErrorCode::fetch_session_topic_id_error};
    const std::size_t before = session->partitions.size();
    session->partitions.update(request);
    session->partitions.forget(request);
    session->last_used = shard_.now();
    if (session->partitions.size() == 0) {
        sessions_.erase(known);
        return {.session = unkept(), .incremental = true};
    }
    if (session->partitions.size() > before && is_crowded()) {
        sessions_.erase(known);
        return {.session = nullptr, .error = ErrorCode::fetch_session_id_not_found};
    }
    session->epoch = next_epoch(session->epoch);
    return {.session = session, .incremental = true};
}

void FetchSessions::keep(const std::shared_ptr<FetchSession>& session) {
    while (sessions_.size() >= max_sessions_ || is_crowded())
        if (!make_room()) return;
    const std::uint64_t ids = static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max()) / shard_count_;
    for (;;) {
        const auto id = static_cast<std::int32_t>(shard_.random().below(ids) * shard_count_ + shard_.index());
        if (id == 0) continue;
        if (!sessions_.try_emplace(id, session).second) continue;
        session->id = id;
        session->epoch = next_epoch(initial_epoch);
        session->last_used = shard_.now();
        return;
    }
}

bool FetchSessions::make_room() {
    auto oldest = sessions_.end();
    for (auto it = sessions_.begin(); it != sessions_.end(); ++it)
        if (!it->second->in_use && (oldest == sessions_.end() || it->second->last_used < oldest->second->last_used))
            oldest = it;
    if (oldest == sessions_.end() || shard_.now() - oldest->second->last_used < eviction_age) return false;
    sessions_.erase(oldest);
    return true;
}

}  // namespace moldau::api
