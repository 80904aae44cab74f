#pragma once
// The clients of the workload, each a coroutine on a node of its own: they tell the model what they did and saw.

#include "session.h"

namespace moldau::sim {

struct TopicPlan {
    std::string name;
    std::int32_t partitions = 1;
    std::int16_t replication_factor = 1;
    std::optional<std::uint64_t> retention_bytes = std::nullopt;  ///< of a partition; what is older may go
    bool compacted = false;
};

struct ProducerPlan {
    std::uint32_t id = 0;                      ///< unique in the run
    std::vector<Model::Partition> partitions;  ///< of one topic; a request may carry a batch of each
    Acks acks = Acks::all;
    bool idempotent = true;
    unsigned in_flight = 1;       ///< batches of a partition, at most 5 for an idempotent one
    std::uint64_t batches = 100;  ///< in all
    unsigned largest_batch_records = 5;
    std::size_t largest_record_bytes = 2000;
    std::uint32_t keys = 0;  ///< of the records of a compacted topic; 0: they have none
    Duration longest_pause = std::chrono::milliseconds(20);
};

struct ConsumerPlan {
    std::uint32_t id = 0;                      ///< unique in the run
    std::vector<Model::Partition> partitions;  ///< of one topic, all in one fetch session
    unsigned rewind_per_mille = 20;            ///< of fetches, after which it reads one from an earlier offset again
    unsigned pause_per_mille = 20;             ///< of fetches that one leaves, or comes back to, where there are others
};

struct ChurnPlan {
    std::uint32_t id = 0;  ///< the first of many, unique in the run
    unsigned generations = 3;
};

struct OperatorPlan {
    std::vector<std::string> topics;  ///< that are there, and that nobody else configures
    unsigned changes = 50;
    Duration longest_pause = std::chrono::milliseconds(500);
};

struct MemberPlan {
    std::uint32_t id = 0;  ///< unique in the run
    std::string group;
    std::string topic;  ///< that it commits offsets of
    std::int32_t partitions = 1;
    std::optional<std::string> instance = std::nullopt;  ///< a static member
};

/// Creates the topics, trying until all are there; counts `done` up.
runtime::Task<> create_topics(Workload& workload, runtime::World world, std::vector<TopicPlan> topics, unsigned& done);

/// Makes a topic, fills it, reads it again and deletes it, over and over under the same name; counts `done` up.
runtime::Task<> churn(Workload& workload, runtime::World world, ChurnPlan plan, unsigned& done);

/// Changes configurations and reads them again; counts `done` up.
runtime::Task<> operate(Workload& workload, runtime::World world, OperatorPlan plan, unsigned& done);

/// Produces all of its batches; counts `done` up.
runtime::Task<> produce(Workload& workload, runtime::World world, ProducerPlan plan, unsigned& done);

/// Reads until the workload converges, and then to the end of what is committed; counts `done` up. A partition that
/// stands still while the others get answers breaks a promise.
runtime::Task<> consume(Workload& workload, runtime::World world, ConsumerPlan plan, unsigned& done);

/// Is a member of a group until the workload converges, and for one round more; counts `done` up.
runtime::Task<> be_member(Workload& workload, runtime::World world, MemberPlan plan, unsigned& done);

/// Reads what the group has committed and lets its model compare; counts `done` up.
runtime::Task<> check_committed_offsets(Workload& workload, runtime::World world, MemberPlan plan, unsigned& done);

/// Reads everything again and lets the model compare; counts `done` up.
runtime::Task<> verify(Workload& workload, runtime::World world, ConsumerPlan plan, unsigned& done);

}  // namespace moldau::sim
