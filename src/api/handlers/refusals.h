#pragma once
// The error code of a request that the controller could not decide.

#include <moldau/base/result.h>
#include <moldau/protocol/error_code.h>

namespace moldau::api {

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
