#include "authorized_operations.h"

#include <span>

namespace moldau::api {
namespace {

std::span<const Operation> operations_of(ResourceType type) {
    using enum Operation;
    static constexpr Operation topic[] = {read,  write,    create,           remove,
                                          alter, describe, describe_configs, alter_configs};
    static constexpr Operation cluster[] = {create,           alter,         describe,        cluster_action,
                                            describe_configs, alter_configs, idempotent_write};
    static constexpr Operation group[] = {read, remove, describe, describe_configs, alter_configs};
    static constexpr Operation transactional_id[] = {write, describe};
    switch (type) {
        case ResourceType::topic:
            return topic;
        case ResourceType::cluster:
            return cluster;
        case ResourceType::group:
            return group;
        case ResourceType::transactional_id:
            return transactional_id;
    }
    return {};
}

}  // namespace

std::int32_t authorized_operations(const Call& call, ResourceType type, std::string_view name) {
    std::int32_t field = 0;
    for (const Operation operation : operations_of(type))
        if (call.allows(operation, type, name)) field |= 1 << static_cast<int>(operation);
    return field;
}

}  // namespace moldau::api
