#pragma once
// How a command fails: an exit code and a sentence for people that names what was wrong, the value, and what to do.

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include <moldau/base/result.h>
#include <moldau/cli/cli.h>
#include <moldau/protocol/error_code.h>
#include <moldau/protocol/text.h>

namespace moldau::cli {

struct Failure {
    ExitCode code = ExitCode::failed;
    std::string message;
    bool retriable = false;  ///< the same request may succeed a little later
};

template <class T = void>
using Outcome = std::expected<T, Failure>;

inline std::unexpected<Failure> failed(ExitCode code, std::string message) {
    return std::unexpected(Failure{code, std::move(message)});
}

ExitCode exit_code_of(protocol::ErrorCode error);

/// The broker's answer about `what` ("topic 'orders'"): its own message where it sent one, else the code's.
Failure failure_of(protocol::ErrorCode error, std::string_view what,
                   const std::optional<protocol::Text>& message = std::nullopt);

/// Why, without what it was about.
std::string reason_of(protocol::ErrorCode error, const std::optional<protocol::Text>& message = std::nullopt);

/// A failure of this machine: files, network, what was read from them.
Failure failure_of(const Error& error);

/// The more telling of two exit codes for commands that do several things: the first that is not ok.
inline ExitCode first_failure(ExitCode a, ExitCode b) {
    return a != ExitCode::ok ? a : b;
}

}  // namespace moldau::cli

/// Evaluates `expression`, an Outcome; returns its failure from the calling coroutine, or moves its value to `target`.
// A name that is declared takes no parentheses.
#define CLI_CO_TRY(target, expression)                                                     \
    auto target##_outcome = (expression);                                                  \
    if (!target##_outcome) co_return std::unexpected(std::move(target##_outcome).error()); \
    auto target = std::move(*target##_outcome)  // NOLINT(bugprone-macro-parentheses)

/// The same for an Outcome without a value.
#define CLI_CO_CHECK(expression)                                           \
    do {                                                                   \
        if (auto checked_outcome = (expression); !checked_outcome)         \
            co_return std::unexpected(std::move(checked_outcome).error()); \
    } while (false)
