#pragma once
// Fetch sessions (KIP-227): what a consumer asked for is remembered, so that later requests and answers carry changes
// alone. A session lives on the shard that made it; its id tells which.

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <moldau/base/ids.h>
#include <moldau/protocol/error_code.h>
#include <moldau/protocol/messages/fetch.h>
#include <moldau/replication/fetch_waiter.h>
#include <moldau/runtime/async.h>

namespace moldau::api {

/// A partition as a fetch names it: by topic id since version 13, by name before.
struct FetchKey {
    TopicId topic_id;
    std::string topic;
    PartitionIndex partition;
    friend auto operator<=>(const FetchKey&, const FetchKey&) = default;
};

/// A partition of a fetch, and what was last answered for it.
struct FetchEntry {
    FetchKey key;
    std::int32_t max_bytes = 0;
    Offset fetch_offset{0};
    LeaderEpoch current_leader_epoch = no_leader_epoch;
    LeaderEpoch last_fetched_epoch = no_leader_epoch;
    Offset log_start_offset = no_offset;  ///< the follower's; −1 from consumers

    std::optional<Offset> told_high_watermark;
    std::optional<Offset> told_log_start;

    /// There may be something that the client was not told: it is read at the next occasion.
    bool dirty = true;
    bool unread = true;                    ///< changed, by the client or in the partition, since it was last read
    std::list<FetchEntry>::iterator self;  ///< its place in the list that it is in
    std::shared_ptr<replication::FetchWaiter> waiter;  ///< made at the first read (waiter_at)
    std::weak_ptr<const void> waits_at;                ///< the partition that it is registered at

    FetchEntry() = default;
    FetchEntry(const FetchEntry&) = delete;
    FetchEntry& operator=(const FetchEntry&) = delete;
    ~FetchEntry() {
        if (waiter) waiter->cancel();
    }
};

/// The partitions of a fetch. Those that may have something new (dirty) stand in the order in which they are read: what
/// was answered with data goes to the back. The others cost nothing until their waiter fires.
class FetchPartitions {
 public:
    using List = std::list<FetchEntry>;

    /// `kept`: how many there are in all fetches of the shard, counted with these.
    explicit FetchPartitions(std::shared_ptr<std::size_t> kept) : kept_(std::move(kept)) {}
    FetchPartitions(const FetchPartitions&) = delete;
    FetchPartitions& operator=(const FetchPartitions&) = delete;
    ~FetchPartitions() { *kept_ -= size(); }

    /// Takes what a request says of each partition: adds, or changes offset, limits and epochs.
    void update(const protocol::FetchRequest& request);
    void forget(const protocol::FetchRequest& request);

    List& dirty() { return dirty_; }
    std::size_t size() const { return by_key_.size(); }

    void mark_dirty(FetchEntry& entry);
    void mark_clean(FetchEntry& entry);
    void move_to_back(FetchEntry& entry) { dirty_.splice(dirty_.end(), dirty_, entry.self); }

 private:
    List dirty_;
    List clean_;
    std::map<FetchKey, List::iterator> by_key_;
    std::shared_ptr<std::size_t> kept_;
};

/// What is kept between requests. Owned by FetchSessions; a fetch that is being served shares it.
struct FetchSession {
    FetchSession(runtime::Shard& on_shard, std::shared_ptr<std::size_t> kept)
        : shard(on_shard), partitions(std::move(kept)), changed(on_shard) {}

    runtime::Shard& shard;
    std::int32_t id = 0;
    std::int32_t epoch = 0;  ///< that the next request must carry
    bool uses_topic_ids = false;
    FetchPartitions partitions;
    runtime::Signal changed;  ///< an entry became dirty
    runtime::TimePoint last_used;
    bool in_use = false;  ///< a request is being served: not evicted, and no second one is let in
};

/// The waiter that brings `entry` back among the dirty ones when `partition` changes. Another partition than before, of
/// a topic that was made anew under its name, gets another waiter: the old one knows it not.
const std::shared_ptr<replication::FetchWaiter>& waiter_at(const std::shared_ptr<FetchSession>& session,
                                                           FetchEntry& entry,
                                                           const std::shared_ptr<const void>& partition);

/// The sessions of one shard.
class FetchSessions {
 public:
    /// A partition takes some 400 bytes for as long as its session lasts, or its fetch waits.
    static constexpr std::size_t default_max_partitions = 500'000;

    /// `max_partitions`: in all fetches of the shard. What begins above it is neither kept nor waits.
    /// `shard` and `shard_count` make ids that tell their shard: id mod count.
    FetchSessions(std::size_t max_sessions, runtime::Shard& shard, unsigned shard_count,
                  std::size_t max_partitions = default_max_partitions);

    /// The shard that a session of this id lives on.
    static unsigned shard_of(std::int32_t session_id, unsigned shard_count) {
        return static_cast<unsigned>(session_id) % shard_count;
    }

    /// What a request turns out to be.
    struct Begun {
        std::shared_ptr<FetchSession> session;  ///< never null unless `error`; of id 0 when nothing is kept
        bool incremental = false;
        protocol::ErrorCode error = protocol::ErrorCode::none;
    };
    Begun begin(const protocol::FetchRequest& request, bool uses_topic_ids);

    /// Whether a request ends the session that it names, if any, to begin another or none.
    static bool ends_session(const protocol::FetchRequest& request);
    /// Ends a session of this shard; what is being served of it goes on. Unknown ids are none.
    void end(std::int32_t session_id) { sessions_.erase(session_id); }

    std::size_t size() const { return sessions_.size(); }
    /// There are more partitions than may be kept: a fetch that can wait is answered instead.
    bool is_crowded() const { return *kept_ > max_partitions_; }

 private:
    std::shared_ptr<FetchSession> unkept() const { return std::make_shared<FetchSession>(shard_, kept_); }
    /// Gives it an id, where there is room.
    void keep(const std::shared_ptr<FetchSession>& session);
    bool make_room();

    std::size_t max_sessions_;
    runtime::Shard& shard_;
    unsigned shard_count_;
    std::size_t max_partitions_;
    std::shared_ptr<std::size_t> kept_ = std::make_shared<std::size_t>(0);  // partitions; a fetch may outlive this
    std::map<std::int32_t, std::shared_ptr<FetchSession>> sessions_;
};

}  // namespace moldau::api
