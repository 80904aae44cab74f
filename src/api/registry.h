#pragma once
// Which APIs are served: one line each in registry.cpp.

#include <cstdint>
#include <span>

#include "call.h"

namespace moldau::api {

struct ServedApi {
    std::int16_t key;
    std::int16_t min_version;         ///< served
    std::int16_t max_version;         ///< served
    std::int16_t advertised_minimum;  ///< told to clients; lower than served for Produce alone
    bool on_broker;
    bool on_controller;
    void (*serve)(Shell& shell, net::Request request, runtime::Handler<net::Response> done);
};

/// In order of key.
std::span<const ServedApi> served_apis();

/// Null when it is not served.
const ServedApi* find_served(std::int16_t key);

/// Whether this listener serves it.
inline bool is_served_on(const ServedApi& api, bool controller_listener) {
    return controller_listener ? api.on_controller : api.on_broker;
}

}  // namespace moldau::api
