#include <algorithm>
#include <vector>

#include <moldau/base/nearest.h>

namespace moldau {

namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
        }
    }
    return row.back();
}

}  // namespace

std::optional<std::string_view> nearest_name(std::span<const std::string_view> names, std::string_view name) {
    std::optional<std::string_view> nearest;
    std::size_t least = name.size() / 3 + 1;  // more than a third of the letters wrong is no likeness
    for (const std::string_view each : names) {
        if (const std::size_t distance = edit_distance(name, each); distance < least) {
            least = distance;
            nearest = each;
        }
    }
    return nearest;
}

}  // namespace moldau
