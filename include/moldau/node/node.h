#pragma once
// This node's life: opens its directory, joins the metadata quorum, registers, serves its partitions, leaves again.
// Owned by app or by the simulator. Made, started and stopped on the first shard; view() is read on every shard.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <moldau/metadata/configs.h>
#include <moldau/metadata/properties.h>
#include <moldau/node/controller_driver.h>
#include <moldau/node/view.h>
#include <moldau/protocol/messages/describe_quorum.h>
#include <moldau/runtime/world.h>

namespace moldau::node {

struct NodeOptions {
    NodeId id{1};
    std::string log_dir;
    std::vector<metadata::Endpoint> advertised;            ///< the broker's listeners, as clients are told
    std::vector<metadata::Endpoint> controller_endpoints;  ///< the controller's
    std::optional<std::string> rack;
    metadata::Properties file;              ///< server.properties, checked
    bool is_static_quorum = false;          ///< controller.quorum.voters names this node alone
    bool format_if_empty = false;           ///< an absent or empty directory formats itself
    std::size_t max_open_files = SIZE_MAX;  ///< of all partitions' logs; more are opened and closed by turns
};

class Node {
 public:
    Node(const runtime::World& world, NodeOptions options);
    ~Node();

    /// Comes up: afterwards the listeners may open. Errors name file or setting and what to do.
    runtime::Task<Result<>> start();

    /// Tells who waits for a group to come together that another must coordinate it: before connections are drained,
    /// which would wait for them. The node serves on.
    runtime::Task<void> stop_coordinating();

    /// Leaves in good order: fences itself, makes everything durable, writes the checkpoints. False when something
    /// could not be written.
    runtime::Task<bool> stop();

    /// Called once, on the first shard, when the node cannot go on.
    void on_failure(std::move_only_function<void(Error)> notify);

    /// Of the calling shard.
    const View& view(const runtime::Shard& shard) const { return views_[shard.index()]; }

    ControllerDriver& controller();
    const NodeOptions& options() const { return options_; }
    runtime::Disk& disk() const { return world_.disk; }
    const std::string& cluster_id() const;
    bool is_controller_listener(std::string_view name) const;

    /// The settings as `image` and server.properties have them.
    metadata::ConfigView config(const metadata::Image& image) const { return {image, options_.id, options_.file}; }

    /// Errc::closed while no block of ids could be had, timed_out where none came within 30 s.
    runtime::Task<Result<ProducerId>> next_producer_id(runtime::Shard& home);

    runtime::Task<protocol::DescribeQuorumResponse> describe_quorum(runtime::Shard& home);

 private:
    class Life;

    runtime::World world_;
    NodeOptions options_;
    std::vector<View> views_;  ///< one a shard, each replaced on its shard
    std::unique_ptr<Life> life_;
};

}  // namespace moldau::node
