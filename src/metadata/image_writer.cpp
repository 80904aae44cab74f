#include <moldau/base/assert.h>
#include <moldau/metadata/image_writer.h>

#include "registrations.h"

namespace moldau::metadata {

using namespace protocol;

namespace {

class ImageWriter {
 public:
    explicit ImageWriter(const Image& image) : image_(image), metadata_version_(image.metadata_version()) {}

    std::vector<VersionedRecord> write() && {
        features();
        for (const auto& [id, broker] : image_.brokers) add(record_of(broker));
        for (const auto& [id, controller] : image_.controllers) add(record_of(controller));
        for (const auto& [id, topic] : image_.topics_by_id) put(*topic);
        configs();
        raw(image_.client_quotas);
        producer_ids();
        raw(image_.acls);
        raw(image_.scram_credentials);
        raw(image_.delegation_tokens);
        return std::move(records_);
    }

 private:
    void add(MetadataRecord record) { records_.push_back(versioned(std::move(record), metadata_version_)); }

    void feature(std::string_view name, std::int16_t level) {
        FeatureLevelRecord record;
        record.name = std::string(name);
        record.feature_level = level;
        add(std::move(record));
    }

    void features() {
        if (metadata_version_ != 0) feature(metadata_version_feature, metadata_version_);
        for (const auto& [name, level] : image_.features) {
            if (name != metadata_version_feature) feature(name, level);
        }
    }

    void put(const Topic& topic) {
        TopicRecord record;
        record.name = topic.name;
        record.topic_id = topic.id;
        add(std::move(record));
        for (const auto& [index, partition] : topic.partitions) add(partition_record(topic.id, index, partition));
    }

    void configs() {
        for (const auto& [resource, settings] : image_.configs) {
            for (const auto& [key, value] : settings) {
                ConfigRecord record;
                record.resource_type = static_cast<std::int8_t>(resource.type);
                record.resource_name = resource.name;
                record.name = key;
                record.value = Text(value);
                add(std::move(record));
            }
        }
    }

    void producer_ids() {
        if (image_.next_producer_id == no_producer_id) return;
        ProducerIdsRecord record;
        record.broker_id = no_node;
        record.broker_epoch = no_broker_epoch;
        record.next_producer_id = image_.next_producer_id;
        add(record);
    }

    void raw(const RawRecords& raw_records) {
        for (const auto& [key, bytes] : raw_records) {
            auto record = decode_metadata_record(bytes);
            MOLDAU_ASSERT(record.has_value());  // encoded when it was replayed
            add(*std::move(record));
        }
    }

    const Image& image_;
    std::int16_t metadata_version_;
    std::vector<VersionedRecord> records_;
};

}  // namespace

PartitionRecord partition_record(const TopicId& topic, PartitionIndex index, const Partition& partition) {
    PartitionRecord record;
    record.partition_id = index;
    record.topic_id = topic;
    record.replicas = partition.replicas;
    record.isr = partition.isr;
    record.removing_replicas = partition.removing_replicas;
    record.adding_replicas = partition.adding_replicas;
    record.leader = partition.leader;
    record.leader_recovery_state = static_cast<std::int8_t>(partition.leader_recovery_state);
    record.leader_epoch = partition.leader_epoch;
    record.partition_epoch = partition.partition_epoch;
    record.directories = partition.directories;
    if (!partition.elr.empty()) record.eligible_leader_replicas = partition.elr;
    if (!partition.last_known_elr.empty()) record.last_known_elr = partition.last_known_elr;
    return record;
}

std::vector<VersionedRecord> write_image(const Image& image) {
    return ImageWriter(image).write();
}

}  // namespace moldau::metadata
