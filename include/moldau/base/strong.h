#pragma once
// Integers that do not mix: an Offset is not a LeaderEpoch.

#include <compare>
#include <concepts>
#include <cstddef>
#include <functional>

#include <fmt/format.h>

namespace moldau {

/// An integer of its own type. Construction is explicit; `value()` gives the integer back. Default: zero.
template <class Tag, std::integral Rep>
class Strong {
 public:
    using rep = Rep;

    constexpr Strong() = default;
    constexpr explicit Strong(Rep value) : value_(value) {}

    constexpr Rep value() const { return value_; }

    friend constexpr auto operator<=>(Strong, Strong) = default;

    constexpr Strong& operator++() {
        ++value_;
        return *this;
    }
    /// Distance arithmetic: id ± count → id, id − id → count.
    friend constexpr Strong operator+(Strong a, Rep count) { return Strong(static_cast<Rep>(a.value_ + count)); }
    friend constexpr Strong operator-(Strong a, Rep count) { return Strong(static_cast<Rep>(a.value_ - count)); }
    friend constexpr Rep operator-(Strong a, Strong b) { return static_cast<Rep>(a.value_ - b.value_); }

 private:
    Rep value_ = 0;
};

template <class T>
concept StrongType = requires(const T& t) {
    typename T::rep;
    { t.value() } -> std::same_as<typename T::rep>;
};

}  // namespace moldau

template <class Tag, class Rep>
struct std::hash<moldau::Strong<Tag, Rep>> {
    std::size_t operator()(moldau::Strong<Tag, Rep> id) const noexcept { return std::hash<Rep>{}(id.value()); }
};

template <class Tag, class Rep>
struct fmt::formatter<moldau::Strong<Tag, Rep>> : fmt::formatter<Rep> {
    template <class Context>
    auto format(moldau::Strong<Tag, Rep> id, Context& context) const {
        return fmt::formatter<Rep>::format(id.value(), context);
    }
};
