#include <algorithm>

#include <moldau/metadata/feature_levels.h>
#include <moldau/metadata/image.h>

namespace moldau::metadata {

const Endpoint* BrokerRegistration::find_endpoint(std::string_view listener) const {
    const auto found = std::ranges::find(endpoints, listener, &Endpoint::name);
    return found == endpoints.end() ? nullptr : &*found;
}

std::int16_t Image::feature_level(std::string_view name) const {
    const std::int16_t* level = features.find(name);
    return level == nullptr ? std::int16_t{0} : *level;
}

std::int16_t Image::metadata_version() const {
    return feature_level(metadata_version_feature);
}

TopicPtr Image::find_topic(std::string_view name) const {
    const TopicPtr* topic = topics_by_name.find(name);
    return topic == nullptr ? nullptr : *topic;
}

TopicPtr Image::find_topic(const TopicId& id) const {
    const TopicPtr* topic = topics_by_id.find(id);
    return topic == nullptr ? nullptr : *topic;
}

const Partition* Image::find_partition(const TopicId& id, PartitionIndex index) const {
    const TopicPtr* topic = topics_by_id.find(id);
    return topic == nullptr ? nullptr : (*topic)->partitions.find(index);
}

const ConfigMap& Image::configs_of(const ConfigResource& resource) const {
    static const ConfigMap nothing;
    const ConfigMap* found = configs.find(resource);
    return found == nullptr ? nothing : *found;
}

const std::string* Image::find_config(const ConfigResource& resource, std::string_view key) const {
    const ConfigMap* found = configs.find(resource);
    return found == nullptr ? nullptr : found->find(key);
}

bool same_content(const Image& a, const Image& b) {
    const auto same_topic = [](const auto& x, const auto& y) {
        return x.first == y.first && (x.second == y.second || *x.second == *y.second);
    };
    return a.features == b.features && a.brokers == b.brokers && a.controllers == b.controllers &&
           a.topics_by_id.size() == b.topics_by_id.size() &&
           std::equal(a.topics_by_id.begin(), a.topics_by_id.end(), b.topics_by_id.begin(), same_topic) &&
           a.configs == b.configs && a.next_producer_id == b.next_producer_id && a.client_quotas == b.client_quotas &&
           a.acls == b.acls && a.scram_credentials == b.scram_credentials && a.delegation_tokens == b.delegation_tokens;
}

}  // namespace moldau::metadata
