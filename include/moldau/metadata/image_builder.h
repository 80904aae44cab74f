#pragma once
// ImageBuilder: replays metadata records onto an image. Live path, recovery and loading of snapshots are this one code.
// Delta tells the applier which parts became others. Both belong to who replays; not shared.

#include <map>
#include <optional>
#include <set>
#include <string>

#include <moldau/base/ids.h>
#include <moldau/base/result.h>
#include <moldau/metadata/image.h>
#include <moldau/protocol/records/metadata_record.h>

namespace moldau::metadata {

/// What differs between two images of which one came from the other by replaying.
struct Delta {
    struct TopicChange {
        TopicPtr before;                      ///< null: created since
        std::set<PartitionIndex> partitions;  ///< those whose registration changed, or that are new
    };

    std::map<TopicId, TopicChange> topics;  ///< touched ones; gone when the later image has none of that id
    std::set<ConfigResource> configs;       ///< whose settings changed
    std::set<NodeId> brokers;               ///< registered, changed or unregistered
    std::set<NodeId> controllers;
    bool features = false;
    bool producer_ids = false;
    bool client_quotas = false;
    bool acls = false;
    bool scram_credentials = false;
    bool delegation_tokens = false;

    bool empty() const;
};

class ImageBuilder {
 public:
    ImageBuilder() = default;
    explicit ImageBuilder(Image image) : image_(std::move(image)) {}

    /// Changes the image as the record says; what is kept of it is copied. Errc::corrupt when the record contradicts
    /// the image (it names a topic or broker that is not there …): the log is damaged, or this code is wrong.
    Result<> replay(const protocol::MetadataRecord& record);

    /// As replay, for a record as it stands in the log. `offset`, `epoch` and `timestamp` become the provenance.
    Result<> replay_frame(ByteView frame, Provenance provenance);

    /// With what an open transaction did so far.
    const Image& image() const { return image_; }

    /// Without what an open transaction did: what may be published or written to a snapshot.
    const Image& stable_image() const { return before_transaction_ ? *before_transaction_ : image_; }
    bool in_transaction() const { return before_transaction_.has_value(); }

    /// What changed from the last call to stable_image(); changes of an open transaction stay for the next call.
    Delta take_delta();

 private:
    template <class Record>
    Result<> apply(const Record& record);

    Result<> change_broker(NodeId id, BrokerEpoch epoch, auto change);
    void put_topic(TopicPtr topic);
    Delta::TopicChange& touch(const TopicId& id);

    Image image_;
    Delta delta_;
    // While a transaction is open: what was before it, to which an abort returns.
    std::optional<Image> before_transaction_;
    Delta delta_before_transaction_;
};

}  // namespace moldau::metadata
