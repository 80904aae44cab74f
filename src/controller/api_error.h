#pragma once
// An error of one item of a request, as answers carry it.

#include <optional>
#include <string>

#include <moldau/protocol/error_code.h>
#include <moldau/protocol/text.h>

namespace moldau::controller {

struct ApiError {
    protocol::ErrorCode code = protocol::ErrorCode::none;
    std::optional<std::string> message;

    bool is_error() const { return code != protocol::ErrorCode::none; }
};

/// Nothing, or a text of its own.
inline std::optional<protocol::Text> owned_text(const std::optional<std::string>& text) {
    if (!text) return std::nullopt;
    return protocol::Text(*text);
}

/// Likewise of its message, cut where it is too long for one.
inline std::optional<protocol::Text> error_text(const ApiError& error) {
    if (!error.message) return std::nullopt;
    return protocol::error_text(*error.message);
}

}  // namespace moldau::controller
