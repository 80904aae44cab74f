#pragma once
// Consumer groups as commands see them: asks the coordinator of each group, finds it again where it has moved, and
// waits for one that is not ready, until the session's timeout. Owned by one command; on its shard.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <moldau/protocol/error_code.h>
#include <moldau/protocol/messages/list_groups.h>

#include "groups/topic_partition.h"
#include "output/outage.h"
#include "session.h"

namespace moldau::cli {

struct ListedGroup {
    std::string id;
    std::string type;
    std::string state;
    std::string protocol_type;
};

struct MemberInfo {
    std::string id;
    std::optional<std::string> instance_id;
    std::string client_id;
    std::string host;
    TopicPartitionSet partitions;  ///< that it reads
};

struct GroupInfo {
    std::string id;
    std::string state;
    std::string protocol_type;
    std::string protocol;
    NodeId coordinator = no_node;
    std::vector<MemberInfo> members;
};

/// Who commits: a member in a generation, or somebody who is none.
struct Committer {
    std::string member_id;
    std::int32_t generation = -1;
};

using PartitionErrors = std::map<TopicPartition, protocol::ErrorCode>;

/// Whether another broker, or the same a little later, will know of the group.
bool is_for_another_try(protocol::ErrorCode error);

class GroupClient {
 public:
    GroupClient(Session& session, Outage::Notify notice);

    /// Of all brokers, by their ids. Empty filters let all pass.
    runtime::Task<Outcome<std::vector<ListedGroup>>> list(std::vector<std::string> states,
                                                          std::vector<std::string> types);
    /// ExitCode::not_found where there is no such group.
    runtime::Task<Outcome<GroupInfo>> describe(std::string group);
    /// What the group has committed, nothing where there is no such group.
    runtime::Task<Outcome<PartitionOffsets>> committed(std::string group);
    runtime::Task<Outcome<PartitionErrors>> commit(std::string group, Committer committer, PartitionOffsets offsets);
    runtime::Task<Outcome<PartitionErrors>> delete_offsets(std::string group, TopicPartitionSet partitions);
    runtime::Task<Outcome<>> remove(std::string group);

    /// The broker that coordinates the group; asked for once, until it is forgotten.
    runtime::Task<Outcome<NodeId>> coordinator(std::string group);
    void forget_coordinator(const std::string& group) { coordinators_.erase(group); }

    Outage& outage() { return outage_; }
    /// For how long to try from now on; by itself the session's timeout.
    void set_patience(runtime::Duration patience) { patience_ = patience; }

 private:
    /// `error_of` gives what an answer says of its coordinator.
    template <class Request, class ErrorOf>
    runtime::Task<Outcome<Answer<typename Request::Response>>> ask(std::string group, const Request& request,
                                                                   ErrorOf error_of, CallOptions options = {});
    template <class Request, class ErrorOf>
    runtime::Task<Outcome<Answer<typename Request::Response>>> ask_once(std::string group, const Request& request,
                                                                        ErrorOf error_of, CallOptions options);
    runtime::Task<Outcome<std::vector<ListedGroup>>> list_once(const protocol::ListGroupsRequest& request);
    runtime::Task<Outcome<>> refresh_brokers();
    /// Tells of a failure; waits a little where another try may help and there is time for it.
    runtime::Task<bool> may_try_again(Failure failure, runtime::TimePoint began);

    Session& session_;
    Outage outage_;
    std::optional<runtime::Duration> patience_;
    std::map<std::string, NodeId> coordinators_;
};

}  // namespace moldau::cli
