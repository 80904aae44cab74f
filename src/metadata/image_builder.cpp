#include <moldau/metadata/image_builder.h>
#include <moldau/protocol/writer.h>

#include "raw_records.h"
#include "registrations.h"

namespace moldau::metadata {

using namespace protocol;

namespace {

std::unexpected<Error> contradiction(std::string message) {
    return fail(Errc::corrupt, "The metadata log contradicts itself: " + std::move(message));
}

Partition partition_of(const PartitionRecord& record) {
    Partition partition;
    partition.replicas = record.replicas;
    partition.directories = record.directories;
    // Records older than directories name none.
    partition.directories.resize(record.replicas.size(), migrating_directory);
    partition.isr = record.isr;
    partition.removing_replicas = record.removing_replicas;
    partition.adding_replicas = record.adding_replicas;
    if (record.eligible_leader_replicas) partition.elr = *record.eligible_leader_replicas;
    if (record.last_known_elr) partition.last_known_elr = *record.last_known_elr;
    partition.leader = record.leader;
    partition.leader_recovery_state = static_cast<LeaderRecoveryState>(record.leader_recovery_state);
    partition.leader_epoch = record.leader_epoch;
    partition.partition_epoch = record.partition_epoch;
    return partition;
}

constexpr NodeId leader_unchanged{-2};

}  // namespace

bool Delta::empty() const {
    return topics.empty() && configs.empty() && brokers.empty() && controllers.empty() && !features && !producer_ids &&
           !client_quotas && !acls && !scram_credentials && !delegation_tokens;
}

Delta::TopicChange& ImageBuilder::touch(const TopicId& id) {
    const auto [entry, is_new] = delta_.topics.try_emplace(id);
    if (is_new) entry->second.before = image_.find_topic(id);
    return entry->second;
}

void ImageBuilder::put_topic(TopicPtr topic) {
    image_.topics_by_name.set(topic->name, topic);
    const TopicId id = topic->id;
    image_.topics_by_id.set(id, std::move(topic));
}

Result<> ImageBuilder::change_broker(NodeId id, BrokerEpoch epoch, auto change) {
    const BrokerRegistration* found = image_.brokers.find(id);
    if (found == nullptr) return contradiction(fmt::format("broker {} changes but is not registered", id));
    if (found->epoch != epoch) {
        return contradiction(
            fmt::format("broker {} changes at epoch {} but is registered at {}", id, epoch, found->epoch));
    }
    BrokerRegistration registration = *found;
    change(registration);
    image_.brokers.set(id, std::move(registration));
    delta_.brokers.insert(id);
    return {};
}

template <>
Result<> ImageBuilder::apply(const RegisterBrokerRecord& record) {
    image_.brokers.set(record.broker_id, registration_of(record));
    delta_.brokers.insert(record.broker_id);
    return {};
}

template <>
Result<> ImageBuilder::apply(const UnregisterBrokerRecord& record) {
    MOLDAU_CHECK(change_broker(record.broker_id, record.broker_epoch, [](BrokerRegistration&) {}));
    image_.brokers.erase(record.broker_id);
    return {};
}

template <>
Result<> ImageBuilder::apply(const FenceBrokerRecord& record) {
    return change_broker(record.id, BrokerEpoch(record.epoch),
                         [](BrokerRegistration& broker) { broker.fenced = true; });
}

template <>
Result<> ImageBuilder::apply(const UnfenceBrokerRecord& record) {
    return change_broker(record.id, BrokerEpoch(record.epoch),
                         [](BrokerRegistration& broker) { broker.fenced = false; });
}

template <>
Result<> ImageBuilder::apply(const BrokerRegistrationChangeRecord& record) {
    return change_broker(record.broker_id, record.broker_epoch, [&](BrokerRegistration& broker) {
        if (record.fenced != 0) broker.fenced = record.fenced > 0;
        if (record.in_controlled_shutdown != 0) broker.in_controlled_shutdown = record.in_controlled_shutdown > 0;
        if (!record.log_dirs.empty()) broker.log_dirs = record.log_dirs;
        if (record.cordoned_log_dirs) broker.cordoned_log_dirs = record.cordoned_log_dirs;
    });
}

template <>
Result<> ImageBuilder::apply(const RegisterControllerRecord& record) {
    image_.controllers.set(record.controller_id, registration_of(record));
    delta_.controllers.insert(record.controller_id);
    return {};
}

template <>
Result<> ImageBuilder::apply(const TopicRecord& record) {
    if (image_.find_topic(record.name.view()) != nullptr || image_.find_topic(record.topic_id) != nullptr) {
        return contradiction(
            fmt::format("topic {} of id {} is created but is there already", record.name, record.topic_id));
    }
    touch(record.topic_id);
    put_topic(std::make_shared<const Topic>(Topic{record.name.str(), record.topic_id, {}}));
    return {};
}

template <>
Result<> ImageBuilder::apply(const PartitionRecord& record) {
    const TopicPtr topic = image_.find_topic(record.topic_id);
    if (topic == nullptr) {
        return contradiction(
            fmt::format("partition {} belongs to the unknown topic id {}", record.partition_id, record.topic_id));
    }
    touch(record.topic_id).partitions.insert(record.partition_id);
    auto changed = std::make_shared<Topic>(*topic);
    changed->partitions.set(record.partition_id, partition_of(record));
    put_topic(std::move(changed));
    return {};
}

template <>
Result<> ImageBuilder::apply(const PartitionChangeRecord& record) {
    const TopicPtr topic = image_.find_topic(record.topic_id);
    const Partition* found = topic == nullptr ? nullptr : topic->partitions.find(record.partition_id);
    if (found == nullptr) {
        return contradiction(
            fmt::format("partition {} of topic id {} changes but is not there", record.partition_id, record.topic_id));
    }
    Partition partition = *found;
    if (record.isr) partition.isr = *record.isr;
    if (record.replicas) partition.replicas = *record.replicas;
    if (record.directories) partition.directories = *record.directories;
    if (record.removing_replicas) partition.removing_replicas = *record.removing_replicas;
    if (record.adding_replicas) partition.adding_replicas = *record.adding_replicas;
    if (record.eligible_leader_replicas) partition.elr = *record.eligible_leader_replicas;
    if (record.last_known_elr) partition.last_known_elr = *record.last_known_elr;
    if (record.leader_recovery_state >= 0) {
        partition.leader_recovery_state = static_cast<LeaderRecoveryState>(record.leader_recovery_state);
    }
    if (record.leader != leader_unchanged) {
        partition.leader = record.leader;
        partition.leader_epoch = partition.leader_epoch + 1;
    }
    ++partition.partition_epoch;

    touch(record.topic_id).partitions.insert(record.partition_id);
    auto changed = std::make_shared<Topic>(*topic);
    changed->partitions.set(record.partition_id, std::move(partition));
    put_topic(std::move(changed));
    return {};
}

template <>
Result<> ImageBuilder::apply(const RemoveTopicRecord& record) {
    const TopicPtr topic = image_.find_topic(record.topic_id);
    if (topic == nullptr) {
        return contradiction(fmt::format("topic id {} is removed but is not there", record.topic_id));
    }
    touch(record.topic_id);
    image_.topics_by_id.erase(topic->id);
    image_.topics_by_name.erase(topic->name);
    // A topic's settings go with it, without records of their own.
    const ConfigResource resource{ResourceType::topic, topic->name};
    if (image_.configs.contains(resource)) {
        image_.configs.erase(resource);
        delta_.configs.insert(resource);
    }
    return {};
}

template <>
Result<> ImageBuilder::apply(const ClearElrRecord& record) {
    const auto clear = [&](const TopicPtr& topic) {
        auto changed = std::make_shared<Topic>(*topic);
        for (const auto& [index, partition] : topic->partitions) {
            if (partition.elr.empty() && partition.last_known_elr.empty()) continue;
            Partition without = partition;
            without.elr.clear();
            without.last_known_elr.clear();
            touch(topic->id).partitions.insert(index);
            changed->partitions.set(index, std::move(without));
        }
        put_topic(std::move(changed));
    };
    if (record.topic_name.empty()) {
        const auto topics = image_.topics_by_name;
        for (const auto& [name, topic] : topics) clear(topic);
        return {};
    }
    const TopicPtr topic = image_.find_topic(record.topic_name.view());
    if (topic == nullptr) {
        return contradiction(
            fmt::format("the eligible leaders of the unknown topic {} are cleared", record.topic_name));
    }
    clear(topic);
    return {};
}

template <>
Result<> ImageBuilder::apply(const ConfigRecord& record) {
    const ConfigResource resource{static_cast<ResourceType>(record.resource_type), record.resource_name.str()};
    ConfigMap settings = image_.configs_of(resource);
    if (record.value) {
        settings.set(record.name.str(), record.value->str());
    } else {
        settings.erase(record.name.view());
    }
    if (settings.empty()) {
        image_.configs.erase(resource);
    } else {
        image_.configs.set(resource, std::move(settings));
    }
    delta_.configs.insert(resource);
    return {};
}

template <>
Result<> ImageBuilder::apply(const FeatureLevelRecord& record) {
    if (record.feature_level == 0) {
        image_.features.erase(record.name.view());
    } else {
        image_.features.set(record.name.str(), record.feature_level);
    }
    delta_.features = true;
    return {};
}

template <>
Result<> ImageBuilder::apply(const ProducerIdsRecord& record) {
    image_.next_producer_id = record.next_producer_id;
    delta_.producer_ids = true;
    return {};
}

template <>
Result<> ImageBuilder::apply(const ClientQuotaRecord& record) {
    const std::string key = raw_key(record);
    if (record.remove) {
        image_.client_quotas.erase(key);
    } else {
        image_.client_quotas.set(key, raw_bytes(record));
    }
    delta_.client_quotas = true;
    return {};
}

template <>
Result<> ImageBuilder::apply(const AccessControlEntryRecord& record) {
    image_.acls.set(raw_key(record.id), raw_bytes(record));
    delta_.acls = true;
    return {};
}

template <>
Result<> ImageBuilder::apply(const RemoveAccessControlEntryRecord& record) {
    image_.acls.erase(raw_key(record.id));
    delta_.acls = true;
    return {};
}

template <>
Result<> ImageBuilder::apply(const UserScramCredentialRecord& record) {
    image_.scram_credentials.set(raw_key(record.name, record.mechanism), raw_bytes(record));
    delta_.scram_credentials = true;
    return {};
}

template <>
Result<> ImageBuilder::apply(const RemoveUserScramCredentialRecord& record) {
    image_.scram_credentials.erase(raw_key(record.name, record.mechanism));
    delta_.scram_credentials = true;
    return {};
}

template <>
Result<> ImageBuilder::apply(const DelegationTokenRecord& record) {
    image_.delegation_tokens.set(record.token_id.str(), raw_bytes(record));
    delta_.delegation_tokens = true;
    return {};
}

template <>
Result<> ImageBuilder::apply(const RemoveDelegationTokenRecord& record) {
    image_.delegation_tokens.erase(record.token_id.view());
    delta_.delegation_tokens = true;
    return {};
}

template <>
Result<> ImageBuilder::apply(const BeginTransactionRecord&) {
    if (before_transaction_) return contradiction("a transaction begins inside another");
    before_transaction_ = image_;
    delta_before_transaction_ = delta_;
    return {};
}

template <>
Result<> ImageBuilder::apply(const EndTransactionRecord&) {
    if (!before_transaction_) return contradiction("a transaction ends that did not begin");
    before_transaction_.reset();
    delta_before_transaction_ = {};
    return {};
}

template <>
Result<> ImageBuilder::apply(const AbortTransactionRecord&) {
    if (!before_transaction_) return contradiction("a transaction is aborted that did not begin");
    const Provenance provenance = image_.provenance;
    image_ = *std::move(before_transaction_);
    image_.provenance = provenance;
    before_transaction_.reset();
    delta_ = std::exchange(delta_before_transaction_, {});
    return {};
}

template <>
Result<> ImageBuilder::apply(const NoOpRecord&) {
    return {};
}

// Clusters that came from ZooKeeper carry it; it says nothing any more.
template <>
Result<> ImageBuilder::apply(const ZkMigrationStateRecord&) {
    return {};
}

Result<> ImageBuilder::replay(const MetadataRecord& record) {
    return std::visit([this](const auto& known) { return apply(known); }, record);
}

Result<> ImageBuilder::replay_frame(ByteView frame, Provenance provenance) {
    MOLDAU_TRY(record, decode_metadata_record(frame));
    MOLDAU_CHECK(replay(record));
    image_.provenance = provenance;
    return {};
}

Delta ImageBuilder::take_delta() {
    if (!before_transaction_) return std::exchange(delta_, {});
    Delta taken = std::exchange(delta_before_transaction_, {});
    // What the open transaction changed comes with the next delta, and with the image that is stable now as `before`.
    for (auto& [id, change] : delta_.topics) change.before = before_transaction_->find_topic(id);
    return taken;
}

}  // namespace moldau::metadata
