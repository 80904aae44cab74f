#pragma once
// Brokers and controllers: registration, heartbeats, fencing, leaving.

#include <moldau/controller/controller.h>

#include "broker_sessions.h"

namespace moldau::controller {

struct ClusterControl {
    const metadata::Image& image;
    const metadata::ConfigView& config;
    BrokerSessions& sessions;
    const Context& context;

    Outcome<protocol::BrokerRegistrationResponse> register_broker(const protocol::BrokerRegistrationRequest& request,
                                                                  std::string_view cluster_id,
                                                                  bool previous_is_dead) const;
    Outcome<protocol::BrokerHeartbeatResponse> heartbeat(const protocol::BrokerHeartbeatRequest& request) const;
    Outcome<protocol::UnregisterBrokerResponse> unregister_broker(
        const protocol::UnregisterBrokerRequest& request) const;
    Outcome<protocol::ControllerRegistrationResponse> register_controller(
        const protocol::ControllerRegistrationRequest& request) const;
    Records fence_one_stale() const;

 private:
    enum class State : std::uint8_t { fenced, unfenced, controlled_shutdown, shutdown_now };

    protocol::ErrorCode check_registration(const protocol::BrokerRegistrationRequest& request,
                                           std::string_view cluster_id, bool previous_is_dead) const;
    State next_state(const metadata::BrokerRegistration& broker, const protocol::BrokerHeartbeatRequest& request) const;
    void fence(const metadata::BrokerRegistration& broker, Records& records) const;
    void unfence(const metadata::BrokerRegistration& broker, Records& records) const;
    void begin_controlled_shutdown(const metadata::BrokerRegistration& broker, Records& records) const;
    void take_directories_offline(const metadata::BrokerRegistration& broker, const std::vector<Uuid>& offline,
                                  Records& records) const;
};

/// none when the broker is registered with this epoch.
protocol::ErrorCode check_broker_epoch(const metadata::Image& image, NodeId broker, BrokerEpoch epoch);

}  // namespace moldau::controller
