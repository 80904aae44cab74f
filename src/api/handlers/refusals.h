#pragma once
// How long a request waits for what the controller decides, and the error code where that could not be had.

#include <chrono>
#include <cstdint>

#include <moldau/base/result.h>
#include <moldau/node/controller_driver.h>
#include <moldau/protocol/error_code.h>
#include <moldau/runtime/time.h>

namespace moldau::api {

/// `timeout_ms`: as the request names it. One that leaves no time is not taken at its word: the answer would tell less
/// than it can.
inline runtime::Duration patience_of(std::int32_t timeout_ms) {
    return timeout_ms > 0 ? std::chrono::milliseconds(timeout_ms) : node::ControllerDriver::default_patience;
}

inline protocol::ErrorCode error_of(const Error& error) {
    switch (error.code) {
        case Errc::closed:
            return protocol::ErrorCode::not_controller;
        case Errc::timed_out:
            return protocol::ErrorCode::request_timed_out;
        case Errc::no_space:
        case Errc::no_descriptors:
            return protocol::ErrorCode::kafka_storage_error;
        case Errc::invalid:
            return protocol::ErrorCode::invalid_request;
        default:
            return protocol::ErrorCode::unknown_server_error;
    }
}

}  // namespace moldau::api
