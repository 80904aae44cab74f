#include "cluster_control.h"

#include <algorithm>

#include "api_error.h"
#include "partition_change.h"

namespace moldau::controller {

using metadata::BrokerRegistration;
using metadata::Partition;
using protocol::ErrorCode;

namespace {

constexpr std::int16_t metadata_version_with_controllers = 15;  // 3.7-IV0
constexpr std::int16_t metadata_version_with_directories = 17;  // 3.7-IV2
constexpr std::int16_t metadata_version_with_cordoning = 30;    // 4.3-IV0

protocol::BrokerRegistrationChangeRecord change_of(const BrokerRegistration& broker) {
    protocol::BrokerRegistrationChangeRecord record;
    record.broker_id = broker.id;
    record.broker_epoch = broker.epoch;
    return record;
}

std::function<bool(const Partition&)> with_in_sync(NodeId broker) {
    return [broker](const Partition& partition) { return std::ranges::count(partition.isr, broker) > 0; };
}

bool is_reserved(const Uuid& directory) {
    constexpr std::uint64_t reserved_below = 100;
    return directory < Uuid::from_halves(0, reserved_below);
}

void copy_listeners_and_features(const auto& request, auto& record) {
    for (const auto& from : request.listeners) {
        auto& to = record.end_points.emplace_back();
        to.name = from.name.owned();
        to.host = from.host.owned();
        to.port = from.port;
        to.security_protocol = from.security_protocol;
    }
    for (const auto& from : request.features) {
        auto& to = record.features.emplace_back();
        to.name = from.name.owned();
        to.min_supported_version = from.min_supported_version;
        to.max_supported_version = from.max_supported_version;
    }
}

bool supports_finalized_features(const metadata::Image& image, const protocol::BrokerRegistrationRequest& request) {
    return std::ranges::all_of(image.features, [&](const auto& finalized) {
        return std::ranges::any_of(request.features, [&](const auto& feature) {
            return feature.name == finalized.first && feature.min_supported_version <= finalized.second &&
                   finalized.second <= feature.max_supported_version;
        });
    });
}

}  // namespace

ErrorCode check_broker_epoch(const metadata::Image& image, NodeId id, BrokerEpoch epoch) {
    const BrokerRegistration* broker = image.find_broker(id);
    return broker != nullptr && broker->epoch == epoch ? ErrorCode::none : ErrorCode::stale_broker_epoch;
}

ErrorCode ClusterControl::check_registration(const protocol::BrokerRegistrationRequest& request,
                                             std::string_view cluster_id, bool previous_is_dead) const {
    if (request.cluster_id != cluster_id) return ErrorCode::inconsistent_cluster_id;
    const BrokerRegistration* existing = image.find_broker(request.broker_id);
    if (existing != nullptr && existing->incarnation_id != request.incarnation_id && !previous_is_dead &&
        sessions.is_valid(*existing, context.now_ms)) {
        return ErrorCode::duplicate_broker_registration;
    }
    if (request.is_migrating_zk_broker) return ErrorCode::broker_id_not_registered;
    if (image.metadata_version() >= metadata_version_with_directories) {
        const std::set<Uuid> directories(request.log_dirs.begin(), request.log_dirs.end());
        if (directories.empty() || directories.size() != request.log_dirs.size() ||
            std::ranges::any_of(directories, is_reserved)) {
            return ErrorCode::invalid_registration;
        }
        for (const auto& [id, broker] : image.brokers) {
            if (id == request.broker_id) continue;
            const auto taken = [&](const Uuid& directory) { return directories.contains(directory); };
            if (std::ranges::any_of(broker.log_dirs, taken)) return ErrorCode::invalid_registration;
        }
    }
    return supports_finalized_features(image, request) ? ErrorCode::none : ErrorCode::unsupported_version;
}

Outcome<protocol::BrokerRegistrationResponse> ClusterControl::register_broker(
    const protocol::BrokerRegistrationRequest& request, std::string_view cluster_id, bool previous_is_dead) const {
    Outcome<protocol::BrokerRegistrationResponse> outcome;
    outcome.is_atomic = false;  // a broker may be in sync in more partitions than one batch holds changes of
    outcome.response.error_code = check_registration(request, cluster_id, previous_is_dead);
    if (outcome.response.error_code != ErrorCode::none) return outcome;

    const BrokerRegistration* existing = image.find_broker(request.broker_id);
    protocol::RegisterBrokerRecord record;
    record.broker_id = request.broker_id;
    record.incarnation_id = request.incarnation_id;
    copy_listeners_and_features(request, record);
    record.rack.reset();
    if (request.rack) record.rack = request.rack->owned();
    if (image.metadata_version() >= metadata_version_with_directories) record.log_dirs = request.log_dirs;
    if (existing != nullptr && existing->incarnation_id == request.incarnation_id) {
        record.broker_epoch = existing->epoch;
        record.fenced = existing->fenced;
        record.in_controlled_shutdown = existing->in_controlled_shutdown;
    } else {
        record.broker_epoch = BrokerEpoch(context.next_offset.value());
        // The incarnation before leads nothing any more.
        add_partition_changes(image, config, {.leaves = request.broker_id}, with_in_sync(request.broker_id),
                              outcome.records);
        sessions.forget(request.broker_id);
    }
    sessions.of(request.broker_id).last_contact_ms = context.now_ms;
    outcome.response.broker_epoch = record.broker_epoch;
    outcome.records.push_back(metadata::versioned(std::move(record), image.metadata_version()));
    return outcome;
}

void ClusterControl::fence(const BrokerRegistration& broker, Records& records) const {
    add_partition_changes(image, config, {.leaves = broker.id}, with_in_sync(broker.id), records);
    auto record = change_of(broker);
    record.fenced = 1;
    records.push_back(metadata::versioned(std::move(record), image.metadata_version()));
}

void ClusterControl::unfence(const BrokerRegistration& broker, Records& records) const {
    auto record = change_of(broker);
    record.fenced = -1;
    records.push_back(metadata::versioned(std::move(record), image.metadata_version()));
    add_partition_changes(
        image, config, {.arrives = broker.id}, [](const Partition& partition) { return partition.leader == no_node; },
        records);
}

void ClusterControl::begin_controlled_shutdown(const BrokerRegistration& broker, Records& records) const {
    auto record = change_of(broker);
    record.in_controlled_shutdown = 1;
    records.push_back(metadata::versioned(std::move(record), image.metadata_version()));
    add_partition_changes(image, config, {.leaves = broker.id}, with_in_sync(broker.id), records);
}

void ClusterControl::take_directories_offline(const BrokerRegistration& broker, const std::vector<Uuid>& offline,
                                              Records& records) const {
    std::vector<Uuid> online = broker.log_dirs;
    std::erase_if(online, [&](const Uuid& directory) { return std::ranges::count(offline, directory) > 0; });
    if (online.size() == broker.log_dirs.size() || online.empty()) return;
    auto record = change_of(broker);
    record.log_dirs = online;
    records.push_back(metadata::versioned(std::move(record), image.metadata_version()));
    const auto lives_there = [&](const Partition& partition) {
        const auto at = std::ranges::find(partition.replicas, broker.id);
        if (at == partition.replicas.end()) return false;
        const Uuid& directory = partition.directories[static_cast<std::size_t>(at - partition.replicas.begin())];
        return std::ranges::count(offline, directory) > 0;
    };
    add_partition_changes(image, config, {.leaves = broker.id}, lives_there, records);
}

ClusterControl::State ClusterControl::next_state(const BrokerRegistration& broker,
                                                 const protocol::BrokerHeartbeatRequest& request) const {
    BrokerSessions::Session& session = sessions.of(broker.id);
    if (broker.fenced) {
        if (request.want_shut_down) return State::shutdown_now;
        // No record ends a controlled shutdown but a new registration: unfenced, such a broker would lead and yet not
        // count as active.
        const bool caught_up = request.current_metadata_offset >= session.registration_offset;
        const bool may_serve = caught_up && !request.want_fence && !broker.in_controlled_shutdown;
        return may_serve ? State::unfenced : State::fenced;
    }
    if (broker.in_controlled_shutdown) {
        if (leads_any_partition(image, broker.id)) return State::controlled_shutdown;
        const bool others_know = session.controlled_shutdown_offset <= sessions.lowest_active_offset(image);
        return others_know ? State::shutdown_now : State::controlled_shutdown;
    }
    if (request.want_fence) return request.want_shut_down ? State::shutdown_now : State::fenced;
    if (!request.want_shut_down) return State::unfenced;
    return leads_any_partition(image, broker.id) ? State::controlled_shutdown : State::shutdown_now;
}

Outcome<protocol::BrokerHeartbeatResponse> ClusterControl::heartbeat(
    const protocol::BrokerHeartbeatRequest& request) const {
    Outcome<protocol::BrokerHeartbeatResponse> outcome;
    outcome.is_atomic = false;
    outcome.response.error_code = check_broker_epoch(image, request.broker_id, request.broker_epoch);
    if (outcome.response.error_code != ErrorCode::none) return outcome;

    const BrokerRegistration& broker = *image.find_broker(request.broker_id);
    const State state = next_state(broker, request);
    Records& records = outcome.records;
    if ((state == State::fenced || state == State::shutdown_now) && !broker.fenced) fence(broker, records);
    if (state == State::unfenced && broker.fenced) unfence(broker, records);
    if (state == State::controlled_shutdown && !broker.in_controlled_shutdown) {
        begin_controlled_shutdown(broker, records);
        const auto last = static_cast<std::int64_t>(records.size()) - 1;
        sessions.of(broker.id).controlled_shutdown_offset = context.next_offset + last;
    }
    if (image.metadata_version() >= metadata_version_with_directories) {
        take_directories_offline(broker, request.offline_log_dirs, records);
    }
    if (image.metadata_version() >= metadata_version_with_cordoning && request.cordoned_log_dirs &&
        request.cordoned_log_dirs != broker.cordoned_log_dirs) {
        auto record = change_of(broker);
        record.cordoned_log_dirs = request.cordoned_log_dirs;
        records.push_back(metadata::versioned(std::move(record), image.metadata_version()));
    }

    BrokerSessions::Session& session = sessions.of(broker.id);
    session.last_contact_ms = context.now_ms;
    session.metadata_offset = request.current_metadata_offset;
    outcome.response.is_caught_up = request.current_metadata_offset >= session.registration_offset;
    outcome.response.is_fenced = state == State::fenced || state == State::shutdown_now;
    outcome.response.should_shut_down = state == State::shutdown_now;
    return outcome;
}

Outcome<protocol::UnregisterBrokerResponse> ClusterControl::unregister_broker(
    const protocol::UnregisterBrokerRequest& request) const {
    Outcome<protocol::UnregisterBrokerResponse> outcome;
    outcome.is_atomic = false;
    outcome.response.error_message.reset();
    const BrokerRegistration* broker = image.find_broker(request.broker_id);
    if (broker == nullptr) {
        outcome.response.error_code = ErrorCode::broker_id_not_registered;
        outcome.response.error_message =
            protocol::Text(fmt::format("Broker ID {} is not currently registered", request.broker_id));
        return outcome;
    }
    add_partition_changes(image, config, {.leaves = broker->id}, with_in_sync(broker->id), outcome.records);
    protocol::UnregisterBrokerRecord record;
    record.broker_id = broker->id;
    record.broker_epoch = broker->epoch;
    outcome.records.push_back({record, 0});
    return outcome;
}

Outcome<protocol::ControllerRegistrationResponse> ClusterControl::register_controller(
    const protocol::ControllerRegistrationRequest& request) const {
    Outcome<protocol::ControllerRegistrationResponse> outcome;
    outcome.response.error_message.reset();
    if (image.metadata_version() < metadata_version_with_controllers) {
        outcome.response.error_code = ErrorCode::unsupported_version;
        return outcome;
    }
    protocol::RegisterControllerRecord record;
    record.controller_id = request.controller_id;
    record.incarnation_id = request.incarnation_id;
    record.zk_migration_ready = false;
    copy_listeners_and_features(request, record);
    outcome.records.push_back({std::move(record), 0});
    return outcome;
}

Records ClusterControl::fence_one_stale() const {
    Records records;
    const auto next = sessions.next_to_end(image);
    if (next && next->second <= context.now_ms) fence(*image.find_broker(next->first), records);
    return records;
}

}  // namespace moldau::controller
