#include <algorithm>

#include <moldau/node/node.h>

#include "life.h"

namespace moldau::node {

using runtime::Task;

Node::Node(const runtime::World& world, NodeOptions options)
    : world_(world),
      options_(std::move(options)),
      views_(world.shards.size()),
      life_(std::make_unique<Life>(world_, options_, views_)) {}

Node::~Node() {
    views_.clear();  // their partitions use what the life owns
}

Task<Result<>> Node::start() {
    return life_->start();
}
Task<void> Node::stop_coordinating() {
    return life_->stop_coordinating();
}
Task<bool> Node::stop() {
    return life_->stop();
}

void Node::on_failure(std::move_only_function<void(Error)> notify) {
    life_->on_failure(std::move(notify));
}

ControllerDriver& Node::controller() {
    return life_->controller();
}
const std::string& Node::cluster_id() const {
    return life_->cluster_id();
}

bool Node::is_controller_listener(std::string_view name) const {
    return std::ranges::any_of(options_.controller_endpoints, [name](const auto& e) { return e.name == name; });
}

Task<Result<ProducerId>> Node::next_producer_id(runtime::Shard& home) {
    return runtime::run_on(home, world_.shard(0), [this] { return life_->next_producer_id(); });
}

Task<protocol::DescribeQuorumResponse> Node::describe_quorum(runtime::Shard& home) {
    return runtime::call_on(home, world_.shard(0), [this] { return life_->describe_quorum(); });
}

}  // namespace moldau::node
