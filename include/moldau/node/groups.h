#pragma once
// The group coordinators of this node: one driver for each partition of __consumer_offsets that it leads.

#include <memory>

#include <moldau/base/ids.h>
#include <moldau/metadata/persistent_map.h>

namespace moldau::coordinator {
template <class Machine>
class Driver;
class GroupMachine;
}  // namespace moldau::coordinator

namespace moldau::node {

using GroupDriver = coordinator::Driver<coordinator::GroupMachine>;
/// By the partition that has the groups.
using GroupTable = metadata::PersistentMap<PartitionIndex, std::shared_ptr<GroupDriver>>;

}  // namespace moldau::node
