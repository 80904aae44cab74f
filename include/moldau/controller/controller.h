#pragma once
// The controller: decides on changes of the cluster's metadata. A pure machine: handle(request) gives records and an
// answer and changes nothing; replay(record) alone changes the hard state. The driver appends the records, replays them
// at once, so that the next request is decided on them, and holds the answer back until they are committed. When
// leadership is lost the driver drops the controller and makes a new one of the committed image. Owned by the driver,
// on its shard; no clock and no randomness but what `Context` brings.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <moldau/metadata/configs.h>
#include <moldau/metadata/feature_levels.h>
#include <moldau/metadata/image.h>
#include <moldau/metadata/image_builder.h>
#include <moldau/protocol/messages/allocate_producer_ids.h>
#include <moldau/protocol/messages/alter_configs.h>
#include <moldau/protocol/messages/broker_heartbeat.h>
#include <moldau/protocol/messages/broker_registration.h>
#include <moldau/protocol/messages/controller_registration.h>
#include <moldau/protocol/messages/create_partitions.h>
#include <moldau/protocol/messages/create_topics.h>
#include <moldau/protocol/messages/delete_topics.h>
#include <moldau/protocol/messages/incremental_alter_configs.h>
#include <moldau/protocol/messages/unregister_broker.h>
#include <moldau/protocol/messages/update_features.h>

namespace moldau::controller {

using metadata::VersionedRecord;
using Records = std::vector<VersionedRecord>;
/// Sixty-four random bits a call.
using RandomBits = std::function<std::uint64_t()>;

struct ControllerOptions {
    NodeId node;  ///< of this controller
    std::string cluster_id;
    metadata::Properties file;  ///< server.properties, checked
    /// What a cluster begins with, metadata.version first.
    Records bootstrap = metadata::bootstrap_records();
};

/// What a decision may know beside the request and the state.
struct Context {
    std::int64_t now_ms = 0;  ///< monotonic
    Offset next_offset{0};    ///< that the first record of this decision will get
    RandomBits random;
};

template <class Response>
struct Outcome {
    Records records;        ///< may be empty
    Response response;      ///< owns its text
    bool is_atomic = true;  ///< the records are one batch, committed as a whole or not at all; else as many as it takes
};

class BrokerSessions;

class Controller {
 public:
    /// `image`: all that is in the log. Brokers get a session as of `now_ms`.
    Controller(ControllerOptions options, metadata::Image image, std::int64_t now_ms);
    ~Controller();
    Controller(Controller&&) noexcept;
    Controller& operator=(Controller&&) noexcept;

    /// What the first leader writes: on an empty log the bootstrap records in a transaction; else an end of what a
    /// leader before left open. One batch.
    Records activate() const;
    /// What keeps an idle log moving, so that followers see the leader alive; when is the driver's to decide.
    Records no_op() const;

    /// Changes the hard state. `offset`: of this record.
    Result<> replay(const protocol::MetadataRecord& record, Offset offset);
    /// With all that was replayed, committed or not.
    const metadata::Image& image() const { return builder_.image(); }

    Outcome<protocol::CreateTopicsResponse> handle(const protocol::CreateTopicsRequest& request,
                                                   const Context& context);
    Outcome<protocol::DeleteTopicsResponse> handle(const protocol::DeleteTopicsRequest& request,
                                                   const Context& context);
    Outcome<protocol::CreatePartitionsResponse> handle(const protocol::CreatePartitionsRequest& request,
                                                       const Context& context);
    Outcome<protocol::IncrementalAlterConfigsResponse> handle(const protocol::IncrementalAlterConfigsRequest& request,
                                                              const Context& context);
    Outcome<protocol::AlterConfigsResponse> handle(const protocol::AlterConfigsRequest& request,
                                                   const Context& context);

    /// `previous_is_dead`: the caller knows that no older incarnation of this broker lives (it holds the lock of the
    /// directory), so that its session is not waited for.
    Outcome<protocol::BrokerRegistrationResponse> handle(const protocol::BrokerRegistrationRequest& request,
                                                         const Context& context, bool previous_is_dead = false);
    Outcome<protocol::BrokerHeartbeatResponse> handle(const protocol::BrokerHeartbeatRequest& request,
                                                      const Context& context);
    Outcome<protocol::UnregisterBrokerResponse> handle(const protocol::UnregisterBrokerRequest& request,
                                                       const Context& context);
    Outcome<protocol::ControllerRegistrationResponse> handle(const protocol::ControllerRegistrationRequest& request,
                                                             const Context& context);
    Outcome<protocol::AllocateProducerIdsResponse> handle(const protocol::AllocateProducerIdsRequest& request,
                                                          const Context& context);
    Outcome<protocol::UpdateFeaturesResponse> handle(const protocol::UpdateFeaturesRequest& request,
                                                     const Context& context);

    /// When the next broker's session ends; nothing while no broker is unfenced.
    std::optional<std::int64_t> next_session_deadline_ms() const;
    /// Fences one broker whose session has ended, if there is one; call again after replaying. Need not be atomic: the
    /// broker itself is fenced last.
    Records fence_one_stale_broker(const Context& context);

 private:
    metadata::ConfigView config() const;
    void index_topic_names();

    ControllerOptions options_;
    metadata::ImageBuilder builder_;
    std::map<std::string, std::set<std::string>> similar_names_;  // by collision key, names with '.' or '_' alone
    std::unique_ptr<BrokerSessions> sessions_;                    // soft state: lost with the leadership
};

}  // namespace moldau::controller
