#include <moldau/node/brokers.h>

namespace moldau::node {

std::vector<ToldNode> brokers_at(const metadata::Image& image, std::string_view listener, Fenced fenced) {
    std::vector<ToldNode> told;
    for (const auto& [id, broker] : image.brokers) {
        if (broker.fenced && fenced == Fenced::left_out) continue;
        if (const auto* endpoint = broker.find_endpoint(listener))
            told.push_back({id, endpoint->host, endpoint->port, broker.rack, broker.fenced});
    }
    return told;
}

std::vector<ToldNode> controllers_at(const metadata::Image& image, std::string_view listener) {
    std::vector<ToldNode> told;
    for (const auto& [id, controller] : image.controllers)
        for (const auto& endpoint : controller.endpoints)
            if (endpoint.name == listener) told.push_back({id, endpoint.host, endpoint.port, std::nullopt, false});
    return told;
}

bool is_alive(const metadata::Image& image, NodeId id) {
    const auto* broker = image.find_broker(id);
    return broker != nullptr && !broker->fenced;
}

NodeId told_controller(const metadata::Image& image) {
    for (const auto& [id, broker] : image.brokers)
        if (!broker.fenced) return id;
    return no_node;
}

}  // namespace moldau::node
