#include <algorithm>
#include <iterator>

#include <moldau/base/assert.h>
#include <moldau/controller/controller.h>
#include <moldau/metadata/topic_name.h>

#include "broker_sessions.h"
#include "cluster_control.h"
#include "config_control.h"
#include "feature_control.h"
#include "producer_id_control.h"
#include "topic_control.h"

namespace moldau::controller {
namespace {

constexpr std::int16_t metadata_version_with_transactions = 13;  // 3.6-IV1

}  // namespace

Controller::Controller(ControllerOptions options, metadata::Image image, std::int64_t now_ms)
    : options_(std::move(options)), builder_(std::move(image)) {
    sessions_ = std::make_unique<BrokerSessions>(config().broker().session_timeout_ms, builder_.image(), now_ms);
    index_topic_names();
}

Controller::~Controller() = default;
Controller::Controller(Controller&&) noexcept = default;
Controller& Controller::operator=(Controller&&) noexcept = default;

metadata::ConfigView Controller::config() const {
    return {builder_.image(), options_.node, options_.file};
}

void Controller::index_topic_names() {
    similar_names_.clear();
    for (const auto& [name, topic] : builder_.image().topics_by_name) {
        if (metadata::has_collision_characters(name)) similar_names_[metadata::collision_key(name)].insert(name);
    }
}

Records Controller::activate() const {
    Records records;
    if (builder_.in_transaction()) {
        protocol::AbortTransactionRecord abort;
        abort.reason = protocol::Text("controller failover");
        records.push_back({std::move(abort), 0});
    }
    if (builder_.stable_image().metadata_version() != 0) return records;
    const auto& version = std::get<protocol::FeatureLevelRecord>(options_.bootstrap.front().record);
    MOLDAU_ASSERT(version.name == metadata::metadata_version_feature);
    const bool in_transaction = version.feature_level >= metadata_version_with_transactions;
    if (in_transaction) {
        protocol::BeginTransactionRecord begin;
        begin.name = protocol::Text("Bootstrap records");
        records.push_back({std::move(begin), 0});
    }
    std::ranges::copy(options_.bootstrap, std::back_inserter(records));
    if (in_transaction) records.push_back({protocol::EndTransactionRecord{}, 0});
    return records;
}

Records Controller::no_op() const {
    return {{protocol::NoOpRecord{}, 0}};
}

Result<> Controller::replay(const protocol::MetadataRecord& record, Offset offset) {
    std::string removed;
    if (const auto* remove = std::get_if<protocol::RemoveTopicRecord>(&record)) {
        if (const auto topic = builder_.image().find_topic(remove->topic_id)) removed = topic->name;
    }
    MOLDAU_CHECK(builder_.replay(record));
    builder_.take_delta();  // the controller looks at the whole image
    if (const auto* topic = std::get_if<protocol::TopicRecord>(&record)) {
        if (metadata::has_collision_characters(topic->name)) {
            similar_names_[metadata::collision_key(topic->name)].insert(topic->name.str());
        }
    } else if (metadata::has_collision_characters(removed)) {
        const auto similar = similar_names_.find(metadata::collision_key(removed));
        similar->second.erase(removed);
        if (similar->second.empty()) similar_names_.erase(similar);
    } else if (const auto* registered = std::get_if<protocol::RegisterBrokerRecord>(&record)) {
        sessions_->of(registered->broker_id).registration_offset = offset;
    } else if (const auto* unregistered = std::get_if<protocol::UnregisterBrokerRecord>(&record)) {
        sessions_->forget(unregistered->broker_id);
    } else if (std::holds_alternative<protocol::AbortTransactionRecord>(record)) {
        index_topic_names();
    }
    return {};
}

Outcome<protocol::CreateTopicsResponse> Controller::handle(const protocol::CreateTopicsRequest& request,
                                                           const Context& context) {
    return TopicControl{image(), config(), similar_names_, context}.create(request);
}

Outcome<protocol::DeleteTopicsResponse> Controller::handle(const protocol::DeleteTopicsRequest& request,
                                                           const Context& context) {
    return TopicControl{image(), config(), similar_names_, context}.remove(request);
}

Outcome<protocol::CreatePartitionsResponse> Controller::handle(const protocol::CreatePartitionsRequest& request,
                                                               const Context& context) {
    return TopicControl{image(), config(), similar_names_, context}.add_partitions(request);
}

Outcome<protocol::IncrementalAlterConfigsResponse> Controller::handle(
    const protocol::IncrementalAlterConfigsRequest& request, const Context&) {
    return alter_configs(image(), config(), request);
}

Outcome<protocol::AlterConfigsResponse> Controller::handle(const protocol::AlterConfigsRequest& request,
                                                           const Context&) {
    return alter_configs(image(), config(), request);
}

Outcome<protocol::BrokerRegistrationResponse> Controller::handle(const protocol::BrokerRegistrationRequest& request,
                                                                 const Context& context, bool previous_is_dead) {
    return ClusterControl{image(), config(), *sessions_, context}.register_broker(request, options_.cluster_id,
                                                                                  previous_is_dead);
}

Outcome<protocol::BrokerHeartbeatResponse> Controller::handle(const protocol::BrokerHeartbeatRequest& request,
                                                              const Context& context) {
    return ClusterControl{image(), config(), *sessions_, context}.heartbeat(request);
}

Outcome<protocol::UnregisterBrokerResponse> Controller::handle(const protocol::UnregisterBrokerRequest& request,
                                                               const Context& context) {
    return ClusterControl{image(), config(), *sessions_, context}.unregister_broker(request);
}

Outcome<protocol::ControllerRegistrationResponse> Controller::handle(
    const protocol::ControllerRegistrationRequest& request, const Context& context) {
    return ClusterControl{image(), config(), *sessions_, context}.register_controller(request);
}

Outcome<protocol::AllocateProducerIdsResponse> Controller::handle(const protocol::AllocateProducerIdsRequest& request,
                                                                  const Context&) {
    return allocate_producer_ids(image(), request);
}

Outcome<protocol::UpdateFeaturesResponse> Controller::handle(const protocol::UpdateFeaturesRequest& request,
                                                             const Context&) {
    return update_features(image(), request);
}

std::optional<std::int64_t> Controller::next_session_deadline_ms() const {
    const auto next = sessions_->next_to_end(image());
    if (!next) return std::nullopt;
    return next->second;
}

Records Controller::fence_one_stale_broker(const Context& context) {
    return ClusterControl{image(), config(), *sessions_, context}.fence_one_stale();
}

}  // namespace moldau::controller
