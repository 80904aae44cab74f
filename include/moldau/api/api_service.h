#pragma once
// The broker's APIs: decodes what connections bring, hands it to the API's handler, encodes the answer. One a shard.

#include <memory>
#include <span>
#include <vector>

#include <moldau/api/authorizer.h>
#include <moldau/net/service.h>
#include <moldau/node/node.h>

namespace moldau::api {

struct Shell;

/// The services of all shards of a node. Made before the shards serve, destroyed after.
class ApiServices {
 public:
    ApiServices(node::Node& node, std::span<runtime::Shard* const> shards, Authorizer& authorizer);
    ~ApiServices();

    /// What the connections of a shard hand their requests to.
    net::Service& on_shard(unsigned index);

 private:
    std::vector<std::unique_ptr<Shell>> shells_;
    std::vector<std::unique_ptr<net::Service>> services_;
};

}  // namespace moldau::api
