#pragma once
// The handlers, one file each in handlers/. A handler runs on the connection's shard; what it is given lives until its
// task has ended.

#include <moldau/runtime/shard.h>

#include "call.h"

namespace moldau::protocol {
struct ApiVersionsRequest;
struct ApiVersionsResponse;
struct MetadataRequest;
struct MetadataResponse;
struct FetchRequest;
struct ListOffsetsRequest;
struct ListOffsetsResponse;
struct OffsetForLeaderEpochRequest;
struct OffsetForLeaderEpochResponse;
struct FindCoordinatorRequest;
struct FindCoordinatorResponse;
struct InitProducerIdRequest;
struct InitProducerIdResponse;
struct CreateTopicsRequest;
struct CreateTopicsResponse;
struct DeleteTopicsRequest;
struct DeleteTopicsResponse;
struct CreatePartitionsRequest;
struct CreatePartitionsResponse;
struct DescribeConfigsRequest;
struct DescribeConfigsResponse;
struct AlterConfigsRequest;
struct AlterConfigsResponse;
struct IncrementalAlterConfigsRequest;
struct IncrementalAlterConfigsResponse;
struct DescribeClusterRequest;
struct DescribeClusterResponse;
struct DescribeTopicPartitionsRequest;
struct DescribeTopicPartitionsResponse;
struct JoinGroupRequest;
struct JoinGroupResponse;
struct SyncGroupRequest;
struct SyncGroupResponse;
struct HeartbeatRequest;
struct HeartbeatResponse;
struct LeaveGroupRequest;
struct LeaveGroupResponse;
struct OffsetCommitRequest;
struct OffsetCommitResponse;
struct OffsetFetchRequest;
struct OffsetFetchResponse;
struct OffsetDeleteRequest;
struct OffsetDeleteResponse;
struct ListGroupsRequest;
struct ListGroupsResponse;
struct DescribeGroupsRequest;
struct DescribeGroupsResponse;
struct DeleteGroupsRequest;
struct DeleteGroupsResponse;
struct DescribeQuorumRequest;
struct DescribeQuorumResponse;
}  // namespace moldau::protocol

namespace moldau::api {

template <class T>
using Answer = runtime::Task<T>;

/// Produce works ahead: it begins in the order of arrival and answers when it may.
void produce(Shell& shell, net::Request request, runtime::Handler<net::Response> done);
/// Its answer holds slices of files.
Answer<net::Response> fetch(Call& call, protocol::FetchRequest& request);

Answer<protocol::ApiVersionsResponse> api_versions(Call& call, protocol::ApiVersionsRequest& request);
Answer<protocol::MetadataResponse> metadata(Call& call, protocol::MetadataRequest& request);
Answer<protocol::ListOffsetsResponse> list_offsets(Call& call, protocol::ListOffsetsRequest& request);
Answer<protocol::OffsetForLeaderEpochResponse> offset_for_leader_epoch(Call& call,
                                                                       protocol::OffsetForLeaderEpochRequest& request);
Answer<protocol::FindCoordinatorResponse> find_coordinator(Call& call, protocol::FindCoordinatorRequest& request);
Answer<protocol::InitProducerIdResponse> init_producer_id(Call& call, protocol::InitProducerIdRequest& request);
Answer<protocol::CreateTopicsResponse> create_topics(Call& call, protocol::CreateTopicsRequest& request);
Answer<protocol::DeleteTopicsResponse> delete_topics(Call& call, protocol::DeleteTopicsRequest& request);
Answer<protocol::CreatePartitionsResponse> create_partitions(Call& call, protocol::CreatePartitionsRequest& request);
Answer<protocol::DescribeConfigsResponse> describe_configs(Call& call, protocol::DescribeConfigsRequest& request);
Answer<protocol::AlterConfigsResponse> alter_configs(Call& call, protocol::AlterConfigsRequest& request);
Answer<protocol::IncrementalAlterConfigsResponse> incremental_alter_configs(
    Call& call, protocol::IncrementalAlterConfigsRequest& request);
Answer<protocol::DescribeClusterResponse> describe_cluster(Call& call, protocol::DescribeClusterRequest& request);
Answer<protocol::DescribeTopicPartitionsResponse> describe_topic_partitions(
    Call& call, protocol::DescribeTopicPartitionsRequest& request);
Answer<protocol::JoinGroupResponse> join_group(Call& call, protocol::JoinGroupRequest& request);
Answer<protocol::SyncGroupResponse> sync_group(Call& call, protocol::SyncGroupRequest& request);
Answer<protocol::HeartbeatResponse> heartbeat(Call& call, protocol::HeartbeatRequest& request);
Answer<protocol::LeaveGroupResponse> leave_group(Call& call, protocol::LeaveGroupRequest& request);
Answer<protocol::OffsetCommitResponse> offset_commit(Call& call, protocol::OffsetCommitRequest& request);
Answer<protocol::OffsetFetchResponse> offset_fetch(Call& call, protocol::OffsetFetchRequest& request);
Answer<protocol::OffsetDeleteResponse> offset_delete(Call& call, protocol::OffsetDeleteRequest& request);
Answer<protocol::ListGroupsResponse> list_groups(Call& call, protocol::ListGroupsRequest& request);
Answer<protocol::DescribeGroupsResponse> describe_groups(Call& call, protocol::DescribeGroupsRequest& request);
Answer<protocol::DeleteGroupsResponse> delete_groups(Call& call, protocol::DeleteGroupsRequest& request);
Answer<protocol::DescribeQuorumResponse> describe_quorum(Call& call, protocol::DescribeQuorumRequest& request);

}  // namespace moldau::api
