#pragma once
// Whether a principal may do something to something: asked by every handler, answered by security once it is there.

#include <cstdint>
#include <string_view>

#include <moldau/net/service.h>

namespace moldau::api {

/// Kafka's ACL operations, with its codes.
enum class Operation : std::int8_t {
    read = 3,
    write = 4,
    create = 5,
    remove = 6,
    alter = 7,
    describe = 8,
    cluster_action = 9,
    describe_configs = 10,
    alter_configs = 11,
    idempotent_write = 12,
};

/// Kafka's resource types, with their codes.
enum class ResourceType : std::int8_t { topic = 2, group = 3, cluster = 4, transactional_id = 5 };

/// The name that the cluster resource has in Kafka.
inline constexpr std::string_view cluster_resource = "kafka-cluster";

/// Thread-safe; asked from every shard.
class Authorizer {
 public:
    virtual ~Authorizer() = default;
    virtual bool allows(const net::Peer& peer, Operation operation, ResourceType type, std::string_view name) = 0;
    /// Whether there may be a resource of that type to which the principal may do it.
    virtual bool allows_any(const net::Peer& peer, Operation operation, ResourceType type) = 0;
};

class AllowAll final : public Authorizer {
 public:
    bool allows(const net::Peer&, Operation, ResourceType, std::string_view) override { return true; }
    bool allows_any(const net::Peer&, Operation, ResourceType) override { return true; }
};

}  // namespace moldau::api
