#include <moldau/base/assert.h>
#include <moldau/protocol/api_table.h>

namespace moldau::protocol {

namespace {
constexpr std::int16_t api_versions_key = 18;

const ApiInfo& known_api(std::int16_t key) {
    const ApiInfo* api = find_api(key);
    MOLDAU_ASSERT(api != nullptr);
    return *api;
}
}  // namespace

const ApiInfo* find_api(std::int16_t key) {
    const auto apis = all_apis();
    const auto found = std::ranges::lower_bound(apis, key, {}, &ApiInfo::key);
    return found != apis.end() && found->key == key ? &*found : nullptr;
}

std::int16_t request_header_version(std::int16_t key, std::int16_t version) {
    return version >= known_api(key).first_flexible_request ? 2 : 1;
}

std::int16_t response_header_version(std::int16_t key, std::int16_t version) {
    if (key == api_versions_key) return 0;
    return version >= known_api(key).first_flexible_response ? 1 : 0;
}

}  // namespace moldau::protocol
