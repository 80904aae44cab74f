#pragma once
// What a controller knows of brokers beside the log: when each was heard of last and how far it has read. Soft state,
// begun anew with each leadership.

#include <cstdint>
#include <limits>
#include <map>
#include <optional>

#include <moldau/metadata/image.h>

namespace moldau::controller {

class BrokerSessions {
 public:
    struct Session {
        std::int64_t last_contact_ms = 0;
        Offset metadata_offset = no_offset;             ///< that the broker had applied
        Offset registration_offset = no_offset;         ///< of its newest registration
        Offset controlled_shutdown_offset = no_offset;  ///< up to which others must have read before it may go
    };

    BrokerSessions(std::int64_t timeout_ms, const metadata::Image& image, std::int64_t now_ms)
        : timeout_ms_(timeout_ms) {
        for (const auto& [id, broker] : image.brokers) {
            Session& session = sessions_[id];
            session.last_contact_ms = now_ms;
            session.registration_offset = Offset(broker.epoch.value());
        }
    }

    Session& of(NodeId broker) { return sessions_[broker]; }
    void forget(NodeId broker) { sessions_.erase(broker); }

    bool is_valid(const metadata::BrokerRegistration& broker, std::int64_t now_ms) const {
        const auto found = sessions_.find(broker.id);
        return !broker.fenced && found != sessions_.end() && now_ms <= found->second.last_contact_ms + timeout_ms_;
    }

    /// Of unfenced brokers, the one whose session ends first.
    std::optional<std::pair<NodeId, std::int64_t>> next_to_end(const metadata::Image& image) const {
        std::optional<std::pair<NodeId, std::int64_t>> next;
        for (const auto& [id, session] : sessions_) {
            const metadata::BrokerRegistration* broker = image.find_broker(id);
            if (broker == nullptr || broker->fenced) continue;
            const std::int64_t end = session.last_contact_ms + timeout_ms_ + 1;
            if (!next || end < next->second) next = {id, end};
        }
        return next;
    }

    /// How far the slowest active broker has read.
    Offset lowest_active_offset(const metadata::Image& image) const {
        Offset lowest{std::numeric_limits<std::int64_t>::max()};
        for (const auto& [id, session] : sessions_) {
            const metadata::BrokerRegistration* broker = image.find_broker(id);
            if (broker != nullptr && broker->active()) lowest = std::min(lowest, session.metadata_offset);
        }
        return lowest;
    }

 private:
    std::int64_t timeout_ms_;
    std::map<NodeId, Session> sessions_;
};

}  // namespace moldau::controller
