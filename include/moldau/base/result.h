#pragma once
// Failures that the outside world causes. What only a programmer can cause is an assert (base/assert.h).

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace moldau {

/// A code exists only where someone reacts to it; the message is for people.
enum class Errc {
    invalid,         ///< input that breaks a rule: a request, a file's content, a setting
    corrupt,         ///< stored bytes that are not what was written
    not_found,       ///< no such file, topic, key
    exists,          ///< already there
    io,              ///< the device or the network failed
    no_space,        ///< the disk is full
    no_descriptors,  ///< so many files and connections are open as may be
    would_block,     ///< not at hand without waiting
    closed,          ///< the other side, or we, closed it
    timed_out,
    unsupported,  ///< understood, but not done here
};

std::string_view to_string(Errc code);

struct Error {
    Errc code;
    std::string message;  ///< what was wrong, the value, and what to do

    /// Puts `context` and a colon before the message.
    Error within(std::string_view context) &&;
};

/// Others may give back what was lacking: nothing is broken, and the same may succeed later.
inline bool is_shortage(const Error& error) {
    return error.code == Errc::no_space || error.code == Errc::no_descriptors;
}

template <class T = void>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Errc code, std::string message) {
    return std::unexpected(Error{code, std::move(message)});
}

}  // namespace moldau

/// Evaluates `expression`, a Result; returns its error from the calling function, or moves its value to `target`.
// A name that is declared takes no parentheses.
#define MOLDAU_TRY(target, expression)                                                \
    auto target##_result = (expression);                                              \
    if (!target##_result) return std::unexpected(std::move(target##_result).error()); \
    auto target = std::move(*target##_result)  // NOLINT(bugprone-macro-parentheses)

/// As MOLDAU_TRY, for a Result<void>.
#define MOLDAU_CHECK(expression)                                       \
    do {                                                               \
        if (auto checked_result = (expression); !checked_result)       \
            return std::unexpected(std::move(checked_result).error()); \
    } while (false)
