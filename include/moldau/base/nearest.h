#pragma once
// What somebody may have meant who wrote a name that there is not. Pure.

#include <optional>
#include <span>
#include <string_view>

namespace moldau {

/// The one of `names` that is most like `name`, the first of several; nothing when none is near.
std::optional<std::string_view> nearest_name(std::span<const std::string_view> names, std::string_view name);

}  // namespace moldau
