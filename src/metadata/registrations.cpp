#include "registrations.h"

namespace moldau::metadata {

namespace {

std::vector<Endpoint> endpoints_of(const auto& record) {
    std::vector<Endpoint> result;
    result.reserve(record.end_points.size());
    for (const auto& from : record.end_points) {
        result.push_back({from.name.str(), from.host.str(), from.port, from.security_protocol});
    }
    return result;
}

std::vector<SupportedFeature> features_of(const auto& record) {
    std::vector<SupportedFeature> result;
    result.reserve(record.features.size());
    for (const auto& from : record.features) {
        result.push_back({from.name.str(), from.min_supported_version, from.max_supported_version});
    }
    return result;
}

void put_endpoints(auto& record, const std::vector<Endpoint>& endpoints) {
    for (const Endpoint& from : endpoints) {
        auto& to = record.end_points.emplace_back();
        to.name = from.name;
        to.host = from.host;
        to.port = from.port;
        to.security_protocol = from.security_protocol;
    }
}

void put_features(auto& record, const std::vector<SupportedFeature>& features) {
    for (const SupportedFeature& from : features) {
        auto& to = record.features.emplace_back();
        to.name = from.name;
        to.min_supported_version = from.min_version;
        to.max_supported_version = from.max_version;
    }
}

}  // namespace

BrokerRegistration registration_of(const protocol::RegisterBrokerRecord& record) {
    BrokerRegistration broker;
    broker.id = record.broker_id;
    broker.epoch = record.broker_epoch;
    broker.incarnation_id = record.incarnation_id;
    broker.endpoints = endpoints_of(record);
    broker.features = features_of(record);
    if (record.rack) broker.rack = record.rack->str();
    broker.fenced = record.fenced;
    broker.in_controlled_shutdown = record.in_controlled_shutdown;
    broker.is_migrating_zk_broker = record.is_migrating_zk_broker;
    broker.log_dirs = record.log_dirs;
    broker.cordoned_log_dirs = record.cordoned_log_dirs;
    return broker;
}

ControllerRegistration registration_of(const protocol::RegisterControllerRecord& record) {
    ControllerRegistration controller;
    controller.id = record.controller_id;
    controller.incarnation_id = record.incarnation_id;
    controller.zk_migration_ready = record.zk_migration_ready;
    controller.endpoints = endpoints_of(record);
    controller.features = features_of(record);
    return controller;
}

protocol::RegisterBrokerRecord record_of(const BrokerRegistration& broker) {
    protocol::RegisterBrokerRecord record;
    record.broker_id = broker.id;
    record.broker_epoch = broker.epoch;
    record.incarnation_id = broker.incarnation_id;
    put_endpoints(record, broker.endpoints);
    put_features(record, broker.features);
    record.rack.reset();
    if (broker.rack) record.rack = protocol::Text(*broker.rack);
    record.fenced = broker.fenced;
    record.in_controlled_shutdown = broker.in_controlled_shutdown;
    record.is_migrating_zk_broker = broker.is_migrating_zk_broker;
    record.log_dirs = broker.log_dirs;
    record.cordoned_log_dirs = broker.cordoned_log_dirs;
    return record;
}

protocol::RegisterControllerRecord record_of(const ControllerRegistration& controller) {
    protocol::RegisterControllerRecord record;
    record.controller_id = controller.id;
    record.incarnation_id = controller.incarnation_id;
    record.zk_migration_ready = controller.zk_migration_ready;
    put_endpoints(record, controller.endpoints);
    put_features(record, controller.features);
    return record;
}

}  // namespace moldau::metadata
