#pragma once
// What clients are told of brokers and controllers, from an image. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <moldau/base/ids.h>
#include <moldau/metadata/image.h>

namespace moldau::node {

/// A node as a client of one listener sees it.
struct ToldNode {
    NodeId id;
    std::string host;
    std::int32_t port = 0;
    std::optional<std::string> rack;
    bool fenced = false;
};

enum class Fenced { left_out, included };

/// In order of id; those that have no endpoint of that listener are not told.
std::vector<ToldNode> brokers_at(const metadata::Image& image, std::string_view listener, Fenced fenced);
std::vector<ToldNode> controllers_at(const metadata::Image& image, std::string_view listener);

/// Registered and not fenced.
bool is_alive(const metadata::Image& image, NodeId id);

/// What clients take for the controller: under KRaft any broker that is alive, since it forwards; no_node when none is.
NodeId told_controller(const metadata::Image& image);

}  // namespace moldau::node
