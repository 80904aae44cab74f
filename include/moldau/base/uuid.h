#pragma once
// Kafka's 128-bit ids.

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace moldau {

/// Sixteen bytes, written as URL-safe base64 without padding (22 characters), as Kafka prints them. Default: zero.
struct Uuid {
    std::array<std::uint8_t, 16> bytes{};

    static constexpr Uuid from_halves(std::uint64_t most, std::uint64_t least) {
        Uuid id;
        for (std::size_t i = 0; i < 8; ++i) {
            id.bytes[i] = static_cast<std::uint8_t>(most >> (56 - 8 * i));
            id.bytes[8 + i] = static_cast<std::uint8_t>(least >> (56 - 8 * i));
        }
        return id;
    }

    /// Reads 22 characters of URL-safe base64 (24 with padding); nothing when it is anything else.
    static std::optional<Uuid> parse(std::string_view text);

    std::string to_string() const;
    constexpr bool is_zero() const { return *this == Uuid{}; }

    friend constexpr auto operator<=>(const Uuid&, const Uuid&) = default;
};

}  // namespace moldau

template <>
struct std::hash<moldau::Uuid> {
    std::size_t operator()(const moldau::Uuid& id) const noexcept {
        // Ids are random; folding the halves is enough.
        std::uint64_t halves[2];
        std::memcpy(halves, id.bytes.data(), sizeof halves);
        return static_cast<std::size_t>(halves[0] ^ (halves[1] * 0x9e3779b97f4a7c15U));
    }
};

template <>
struct fmt::formatter<moldau::Uuid> : fmt::formatter<std::string> {
    template <class Context>
    auto format(const moldau::Uuid& id, Context& context) const {
        return fmt::formatter<std::string>::format(id.to_string(), context);
    }
};
