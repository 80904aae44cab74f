#pragma once
// Fetches partitions from their leaders, one loop a leader, each at most a few answers ahead of who reads them.
// Owned by the consume command; on its shard.

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <moldau/protocol/messages/fetch.h>
#include <moldau/runtime/async.h>

#include "consume/records_reader.h"
#include "output/outage.h"
#include "session.h"

namespace moldau::cli {

struct ConsumerOptions {
    std::string topic;
    bool read_committed = false;
    std::int32_t max_wait_ms = 500;
    std::int32_t max_bytes = 32 << 20;           ///< of an answer
    std::int32_t max_partition_bytes = 4 << 20;  ///< of a partition in an answer
    unsigned answers_ahead = 2;                  ///< of a leader
    runtime::Duration back_off = std::chrono::milliseconds(100);
};

/// What came of one partition.
struct FetchedPartition {
    std::int32_t index = 0;
    Offset from{0};
    ByteView records;  ///< of the answer that it is part of
    std::vector<AbortedTransaction> aborted;
};

/// An answer with records.
struct Fetched {
    NodeId leader = no_node;
    Answer<protocol::FetchResponse> answer;
    std::vector<FetchedPartition> partitions;
};

class Consumer {
 public:
    /// `starts`: where each partition begins. `ends`: where it is done; a partition that is not there never is. A start
    /// behind its end is what next() fails with.
    Consumer(Session& session, ConsumerOptions options, const std::map<std::int32_t, Offset>& starts,
             const std::map<std::int32_t, Offset>& ends);
    Consumer(const Consumer&) = delete;
    Consumer& operator=(const Consumer&) = delete;

    /// The next records; nothing when all partitions are done or after stop(). A failure is final. Of a partition,
    /// records come in order. The answer given out before must not be used any more.
    runtime::Task<Outcome<std::optional<Fetched>>> next();

    /// Lets next() end. From a signal's callback.
    void stop();

    /// Waits until nothing of the consumer runs any more. Closes the session's connections.
    runtime::Task<void> finish();

    /// Told of what the user should know: records that are gone, brokers that are away and come back.
    void on_notice(std::function<void(const std::string&)> notify) {
        notice_ = notify;
        outage_.on_notice(std::move(notify));
    }

 private:
    struct Partition {
        Offset position{0};
        std::optional<Offset> end;
        bool was_read = false;  // something came of it
        bool is_lost = false;   // its leader has nothing at its position; where there is something is being asked
        std::optional<Outage> outage;  ///< the broker answers, and cannot serve this one
        void answered();
        bool is_done() const { return end && position >= *end; }
    };

    void start_loops();
    runtime::Task<void> fetch_loop(NodeId leader, runtime::Gate::Hold hold);
    runtime::Task<void> fetch_once(NodeId leader, const protocol::FetchRequest& request);
    runtime::Task<void> refresh(runtime::Gate::Hold hold);
    std::optional<protocol::FetchRequest> request_for(NodeId leader);
    void take(NodeId leader, Answer<protocol::FetchResponse> answer);
    void take_error(std::int32_t index, protocol::ErrorCode error);
    /// Asks for the starts and ends of partitions that are lost, and finds them by these.
    runtime::Task<void> find_lost(std::vector<std::int32_t> indexes, runtime::Gate::Hold hold);
    void find(std::int32_t index, Offset start, Offset end);
    void ask_for_leaders();
    void fail_with(Failure failure);
    void fail_beyond_end(std::int32_t index, Offset offset);
    bool all_done() const;

    Session& session_;
    runtime::Shard& shard_;
    ConsumerOptions options_;
    TopicId topic_id_;  // a topic of the same name that is made later is another one
    std::map<std::int32_t, Partition> partitions_;
    std::set<NodeId> loops_;            // leaders that have a loop
    std::deque<Fetched> fetched_;       // not yet given out
    std::map<NodeId, unsigned> ahead_;  // of fetched_, by leader
    std::optional<Failure> failure_;
    std::function<void(const std::string&)> notice_;
    bool stopping_ = false;
    bool refreshing_ = false;
    Outage outage_;
    runtime::Signal changed_;
    runtime::Gate gate_;  // holds what was spawned
};

}  // namespace moldau::cli
