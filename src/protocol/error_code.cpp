#include <moldau/protocol/error_code.h>

namespace moldau::protocol {

namespace {

constexpr bool retriable = true;
constexpr bool fatal = false;

struct Entry {
    ErrorCode code;
    std::string_view name;
    bool may_retry;
    std::string_view message;
};

// In order of code and without gaps: find() relies on it.
constexpr Entry entries[] = {
    {ErrorCode::unknown_server_error, "UNKNOWN_SERVER_ERROR", fatal,
     "the server failed in a way that it did not foresee; its log says more"},
    {ErrorCode::none, "NONE", fatal, "no error"},
    {ErrorCode::offset_out_of_range, "OFFSET_OUT_OF_RANGE", fatal, "the offset is outside of what the partition holds"},
    {ErrorCode::corrupt_message, "CORRUPT_MESSAGE", retriable,
     "the records are damaged: checksum, size or structure is wrong"},
    {ErrorCode::unknown_topic_or_partition, "UNKNOWN_TOPIC_OR_PARTITION", retriable,
     "no such topic or partition on this broker"},
    {ErrorCode::invalid_fetch_size, "INVALID_FETCH_SIZE", fatal, "the fetch size is not valid"},
    {ErrorCode::leader_not_available, "LEADER_NOT_AVAILABLE", retriable, "the partition has no leader at the moment"},
    {ErrorCode::not_leader_or_follower, "NOT_LEADER_OR_FOLLOWER", retriable, "this broker does not lead the partition"},
    {ErrorCode::request_timed_out, "REQUEST_TIMED_OUT", retriable, "the request was not done within its time"},
    {ErrorCode::broker_not_available, "BROKER_NOT_AVAILABLE", fatal, "the broker is not available"},
    {ErrorCode::replica_not_available, "REPLICA_NOT_AVAILABLE", retriable, "the replica is not available"},
    {ErrorCode::message_too_large, "MESSAGE_TOO_LARGE", fatal, "the message is larger than the limit"},
    {ErrorCode::stale_controller_epoch, "STALE_CONTROLLER_EPOCH", fatal, "the controller's epoch is out of date"},
    {ErrorCode::offset_metadata_too_large, "OFFSET_METADATA_TOO_LARGE", fatal,
     "the metadata of the committed offset is too large"},
    {ErrorCode::network_exception, "NETWORK_EXCEPTION", retriable, "the connection ended before the answer"},
    {ErrorCode::coordinator_load_in_progress, "COORDINATOR_LOAD_IN_PROGRESS", retriable,
     "the coordinator is still loading"},
    {ErrorCode::coordinator_not_available, "COORDINATOR_NOT_AVAILABLE", retriable, "the coordinator is not available"},
    {ErrorCode::not_coordinator, "NOT_COORDINATOR", retriable, "this broker is not the coordinator"},
    {ErrorCode::invalid_topic_exception, "INVALID_TOPIC_EXCEPTION", fatal, "the topic's name is not valid"},
    {ErrorCode::record_list_too_large, "RECORD_LIST_TOO_LARGE", fatal, "the batch of records is larger than a segment"},
    {ErrorCode::not_enough_replicas, "NOT_ENOUGH_REPLICAS", retriable, "too few replicas are in sync"},
    {ErrorCode::not_enough_replicas_after_append, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", retriable,
     "the records were written, but to too few in-sync replicas"},
    {ErrorCode::invalid_required_acks, "INVALID_REQUIRED_ACKS", fatal, "acks must be 0, 1 or -1"},
    {ErrorCode::illegal_generation, "ILLEGAL_GENERATION", fatal, "the generation is not the group's current one"},
    {ErrorCode::inconsistent_group_protocol, "INCONSISTENT_GROUP_PROTOCOL", fatal,
     "the member's protocols do not fit those of the group"},
    {ErrorCode::invalid_group_id, "INVALID_GROUP_ID", fatal, "the group id is not valid"},
    {ErrorCode::unknown_member_id, "UNKNOWN_MEMBER_ID", fatal, "the group does not know this member id"},
    {ErrorCode::invalid_session_timeout, "INVALID_SESSION_TIMEOUT", fatal,
     "the session timeout is outside of the allowed range"},
    {ErrorCode::rebalance_in_progress, "REBALANCE_IN_PROGRESS", fatal, "the group is rebalancing; join again"},
    {ErrorCode::invalid_commit_offset_size, "INVALID_COMMIT_OFFSET_SIZE", fatal,
     "the committed offset's data is too large"},
    {ErrorCode::topic_authorization_failed, "TOPIC_AUTHORIZATION_FAILED", fatal, "no permission for the topic"},
    {ErrorCode::group_authorization_failed, "GROUP_AUTHORIZATION_FAILED", fatal, "no permission for the group"},
    {ErrorCode::cluster_authorization_failed, "CLUSTER_AUTHORIZATION_FAILED", fatal, "no permission for the cluster"},
    {ErrorCode::invalid_timestamp, "INVALID_TIMESTAMP", fatal, "the timestamp is outside of the allowed range"},
    {ErrorCode::unsupported_sasl_mechanism, "UNSUPPORTED_SASL_MECHANISM", fatal,
     "this SASL mechanism is not enabled here"},
    {ErrorCode::illegal_sasl_state, "ILLEGAL_SASL_STATE", fatal,
     "the request does not fit the state of authentication"},
    {ErrorCode::unsupported_version, "UNSUPPORTED_VERSION", fatal, "this version of the API is not supported"},
    {ErrorCode::topic_already_exists, "TOPIC_ALREADY_EXISTS", fatal, "a topic of that name exists"},
    {ErrorCode::invalid_partitions, "INVALID_PARTITIONS", fatal, "the number of partitions is not valid"},
    {ErrorCode::invalid_replication_factor, "INVALID_REPLICATION_FACTOR", fatal, "the replication factor is not valid"},
    {ErrorCode::invalid_replica_assignment, "INVALID_REPLICA_ASSIGNMENT", fatal,
     "the assignment of replicas is not valid"},
    {ErrorCode::invalid_config, "INVALID_CONFIG", fatal, "the configuration is not valid"},
    {ErrorCode::not_controller, "NOT_CONTROLLER", retriable, "this node is not the controller"},
    {ErrorCode::invalid_request, "INVALID_REQUEST", fatal,
     "the request is malformed or its fields contradict each other"},
    {ErrorCode::unsupported_for_message_format, "UNSUPPORTED_FOR_MESSAGE_FORMAT", fatal,
     "the format of records does not support the request"},
    {ErrorCode::policy_violation, "POLICY_VIOLATION", fatal, "a policy forbids it"},
    {ErrorCode::out_of_order_sequence_number, "OUT_OF_ORDER_SEQUENCE_NUMBER", fatal,
     "the sequence number leaves a gap or goes back"},
    {ErrorCode::duplicate_sequence_number, "DUPLICATE_SEQUENCE_NUMBER", fatal, "the sequence number was seen before"},
    {ErrorCode::invalid_producer_epoch, "INVALID_PRODUCER_EPOCH", fatal, "the producer's epoch is old"},
    {ErrorCode::invalid_txn_state, "INVALID_TXN_STATE", fatal, "the transaction's state does not allow it"},
    {ErrorCode::invalid_producer_id_mapping, "INVALID_PRODUCER_ID_MAPPING", fatal,
     "the producer id does not belong to the transactional id"},
    {ErrorCode::invalid_transaction_timeout, "INVALID_TRANSACTION_TIMEOUT", fatal,
     "the transaction timeout is larger than allowed"},
    {ErrorCode::concurrent_transactions, "CONCURRENT_TRANSACTIONS", retriable,
     "another operation on this transaction is under way"},
    {ErrorCode::transaction_coordinator_fenced, "TRANSACTION_COORDINATOR_FENCED", fatal,
     "the transaction coordinator was replaced by a newer one"},
    {ErrorCode::transactional_id_authorization_failed, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", fatal,
     "no permission for the transactional id"},
    {ErrorCode::security_disabled, "SECURITY_DISABLED", fatal, "security features are switched off"},
    {ErrorCode::operation_not_attempted, "OPERATION_NOT_ATTEMPTED", fatal,
     "it was not tried, since another part of the request failed"},
    {ErrorCode::kafka_storage_error, "KAFKA_STORAGE_ERROR", retriable,
     "the partition's files cannot be used: the disk failed or is full, or what it holds is damaged"},
    {ErrorCode::log_dir_not_found, "LOG_DIR_NOT_FOUND", fatal, "no such log directory"},
    {ErrorCode::sasl_authentication_failed, "SASL_AUTHENTICATION_FAILED", fatal, "authentication failed"},
    {ErrorCode::unknown_producer_id, "UNKNOWN_PRODUCER_ID", fatal,
     "the producer id is not known, its state may have expired"},
    {ErrorCode::reassignment_in_progress, "REASSIGNMENT_IN_PROGRESS", fatal,
     "a reassignment of the partition is under way"},
    {ErrorCode::delegation_token_auth_disabled, "DELEGATION_TOKEN_AUTH_DISABLED", fatal,
     "delegation tokens are switched off"},
    {ErrorCode::delegation_token_not_found, "DELEGATION_TOKEN_NOT_FOUND", fatal, "no such delegation token"},
    {ErrorCode::delegation_token_owner_mismatch, "DELEGATION_TOKEN_OWNER_MISMATCH", fatal,
     "the delegation token belongs to someone else"},
    {ErrorCode::delegation_token_request_not_allowed, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", fatal,
     "delegation tokens cannot be asked for on this kind of connection"},
    {ErrorCode::delegation_token_authorization_failed, "DELEGATION_TOKEN_AUTHORIZATION_FAILED", fatal,
     "no permission for the delegation token"},
    {ErrorCode::delegation_token_expired, "DELEGATION_TOKEN_EXPIRED", fatal, "the delegation token has expired"},
    {ErrorCode::invalid_principal_type, "INVALID_PRINCIPAL_TYPE", fatal, "the type of principal is not supported"},
    {ErrorCode::non_empty_group, "NON_EMPTY_GROUP", fatal, "the group has members"},
    {ErrorCode::group_id_not_found, "GROUP_ID_NOT_FOUND", fatal, "no such group"},
    {ErrorCode::fetch_session_id_not_found, "FETCH_SESSION_ID_NOT_FOUND", retriable, "no such fetch session"},
    {ErrorCode::invalid_fetch_session_epoch, "INVALID_FETCH_SESSION_EPOCH", retriable,
     "the epoch of the fetch session is not the expected one"},
    {ErrorCode::listener_not_found, "LISTENER_NOT_FOUND", retriable, "the leader has no listener of that name"},
    {ErrorCode::topic_deletion_disabled, "TOPIC_DELETION_DISABLED", fatal, "deletion of topics is switched off"},
    {ErrorCode::fenced_leader_epoch, "FENCED_LEADER_EPOCH", retriable,
     "the leader epoch is older than the partition's"},
    {ErrorCode::unknown_leader_epoch, "UNKNOWN_LEADER_EPOCH", retriable,
     "the leader epoch is newer than the one known here"},
    {ErrorCode::unsupported_compression_type, "UNSUPPORTED_COMPRESSION_TYPE", fatal,
     "the compression type is not supported by this version"},
    {ErrorCode::stale_broker_epoch, "STALE_BROKER_EPOCH", fatal, "the broker's epoch is old"},
    {ErrorCode::offset_not_available, "OFFSET_NOT_AVAILABLE", retriable,
     "the offset is not yet known to be available; try again"},
    {ErrorCode::member_id_required, "MEMBER_ID_REQUIRED", fatal, "the member id that was assigned must be sent"},
    {ErrorCode::preferred_leader_not_available, "PREFERRED_LEADER_NOT_AVAILABLE", retriable,
     "the preferred leader is not available"},
    {ErrorCode::group_max_size_reached, "GROUP_MAX_SIZE_REACHED", fatal, "the group is full"},
    {ErrorCode::fenced_instance_id, "FENCED_INSTANCE_ID", fatal, "another member took the group instance id"},
    {ErrorCode::eligible_leaders_not_available, "ELIGIBLE_LEADERS_NOT_AVAILABLE", retriable,
     "no eligible leader is available"},
    {ErrorCode::election_not_needed, "ELECTION_NOT_NEEDED", retriable, "the partition needs no election"},
    {ErrorCode::no_reassignment_in_progress, "NO_REASSIGNMENT_IN_PROGRESS", fatal, "no reassignment is under way"},
    {ErrorCode::group_subscribed_to_topic, "GROUP_SUBSCRIBED_TO_TOPIC", fatal, "the group is subscribed to the topic"},
    {ErrorCode::invalid_record, "INVALID_RECORD", fatal, "a record was refused by validation"},
    {ErrorCode::unstable_offset_commit, "UNSTABLE_OFFSET_COMMIT", retriable,
     "offsets of an open transaction are not decided yet"},
    {ErrorCode::throttling_quota_exceeded, "THROTTLING_QUOTA_EXCEEDED", retriable, "the quota is used up"},
    {ErrorCode::producer_fenced, "PRODUCER_FENCED", fatal, "a newer producer took the transactional id"},
    {ErrorCode::resource_not_found, "RESOURCE_NOT_FOUND", fatal, "no such resource"},
    {ErrorCode::duplicate_resource, "DUPLICATE_RESOURCE", fatal, "the resource is named twice"},
    {ErrorCode::unacceptable_credential, "UNACCEPTABLE_CREDENTIAL", fatal,
     "the credential does not meet the requirements"},
    {ErrorCode::inconsistent_voter_set, "INCONSISTENT_VOTER_SET", fatal, "the sets of voters differ"},
    {ErrorCode::invalid_update_version, "INVALID_UPDATE_VERSION", fatal, "the update's version is not valid"},
    {ErrorCode::feature_update_failed, "FEATURE_UPDATE_FAILED", fatal, "the feature level could not be changed"},
    {ErrorCode::principal_deserialization_failure, "PRINCIPAL_DESERIALIZATION_FAILURE", fatal,
     "the principal in the forwarded request cannot be read"},
    {ErrorCode::snapshot_not_found, "SNAPSHOT_NOT_FOUND", fatal, "no such snapshot"},
    {ErrorCode::position_out_of_range, "POSITION_OUT_OF_RANGE", fatal, "the position is outside of the snapshot"},
    {ErrorCode::unknown_topic_id, "UNKNOWN_TOPIC_ID", retriable, "no topic of that id on this broker"},
    {ErrorCode::duplicate_broker_registration, "DUPLICATE_BROKER_REGISTRATION", fatal,
     "a broker of that id is already registered"},
    {ErrorCode::broker_id_not_registered, "BROKER_ID_NOT_REGISTERED", fatal, "the broker id is not registered"},
    {ErrorCode::inconsistent_topic_id, "INCONSISTENT_TOPIC_ID", retriable, "the topic id does not belong to the topic"},
    {ErrorCode::inconsistent_cluster_id, "INCONSISTENT_CLUSTER_ID", fatal, "the cluster id is not this cluster's"},
    {ErrorCode::transactional_id_not_found, "TRANSACTIONAL_ID_NOT_FOUND", fatal, "no such transactional id"},
    {ErrorCode::fetch_session_topic_id_error, "FETCH_SESSION_TOPIC_ID_ERROR", retriable,
     "the fetch session mixes topic names and topic ids"},
    {ErrorCode::ineligible_replica, "INELIGIBLE_REPLICA", fatal, "the replica may not join the in-sync replicas"},
    {ErrorCode::new_leader_elected, "NEW_LEADER_ELECTED", fatal,
     "a new leader was elected while the change was asked for"},
    {ErrorCode::offset_moved_to_tiered_storage, "OFFSET_MOVED_TO_TIERED_STORAGE", fatal,
     "the offset lies in tiered storage"},
    {ErrorCode::fenced_member_epoch, "FENCED_MEMBER_EPOCH", fatal, "the member's epoch is old"},
    {ErrorCode::unreleased_instance_id, "UNRELEASED_INSTANCE_ID", fatal,
     "the group instance id is in use by another member"},
    {ErrorCode::unsupported_assignor, "UNSUPPORTED_ASSIGNOR", fatal, "the group does not support this assignor"},
    {ErrorCode::stale_member_epoch, "STALE_MEMBER_EPOCH", fatal,
     "the member's epoch is not the current one; take the new one and try again"},
    {ErrorCode::mismatched_endpoint_type, "MISMATCHED_ENDPOINT_TYPE", fatal,
     "the endpoint is of another kind than the request expects"},
    {ErrorCode::unsupported_endpoint_type, "UNSUPPORTED_ENDPOINT_TYPE", fatal,
     "this kind of endpoint is not supported"},
    {ErrorCode::unknown_controller_id, "UNKNOWN_CONTROLLER_ID", fatal, "the controller id is not known"},
    {ErrorCode::unknown_subscription_id, "UNKNOWN_SUBSCRIPTION_ID", fatal,
     "the telemetry subscription is not the client's current one"},
    {ErrorCode::telemetry_too_large, "TELEMETRY_TOO_LARGE", fatal, "the telemetry data is too large"},
    {ErrorCode::invalid_registration, "INVALID_REGISTRATION", fatal,
     "the controller refused the broker's registration"},
    {ErrorCode::transaction_abortable, "TRANSACTION_ABORTABLE", fatal,
     "the transaction must be aborted by its producer"},
    {ErrorCode::invalid_record_state, "INVALID_RECORD_STATE", fatal, "the record's state does not allow it"},
    {ErrorCode::share_session_not_found, "SHARE_SESSION_NOT_FOUND", retriable, "no such share session"},
    {ErrorCode::invalid_share_session_epoch, "INVALID_SHARE_SESSION_EPOCH", retriable,
     "the epoch of the share session is not the expected one"},
    {ErrorCode::fenced_state_epoch, "FENCED_STATE_EPOCH", fatal, "the share group's state epoch is old"},
    {ErrorCode::invalid_voter_key, "INVALID_VOTER_KEY", fatal, "the voter's key is not valid"},
    {ErrorCode::duplicate_voter, "DUPLICATE_VOTER", fatal, "the node is a voter already"},
    {ErrorCode::voter_not_found, "VOTER_NOT_FOUND", fatal, "the node is not a voter"},
    {ErrorCode::invalid_regular_expression, "INVALID_REGULAR_EXPRESSION", fatal, "the regular expression is not valid"},
    {ErrorCode::rebootstrap_required, "REBOOTSTRAP_REQUIRED", fatal,
     "the client must start again from its bootstrap servers"},
    {ErrorCode::streams_invalid_topology, "STREAMS_INVALID_TOPOLOGY", fatal, "the topology is not valid"},
    {ErrorCode::streams_invalid_topology_epoch, "STREAMS_INVALID_TOPOLOGY_EPOCH", fatal,
     "the topology's epoch is not valid"},
    {ErrorCode::streams_topology_fenced, "STREAMS_TOPOLOGY_FENCED", fatal, "the topology's epoch is old"},
    {ErrorCode::share_session_limit_reached, "SHARE_SESSION_LIMIT_REACHED", retriable,
     "no room for another share session"},
};

constexpr auto codes = [] {
    std::array<ErrorCode, std::size(entries)> result{};
    std::ranges::transform(entries, result.begin(), &Entry::code);
    return result;
}();

const Entry* find(ErrorCode code) {
    const auto index = static_cast<std::size_t>(static_cast<int>(code) - static_cast<int>(entries[0].code));
    return index < std::size(entries) ? &entries[index] : nullptr;
}

}  // namespace

std::string_view name_of(ErrorCode code) {
    const Entry* entry = find(code);
    return entry == nullptr ? "UNKNOWN" : entry->name;
}

bool is_retriable(ErrorCode code) {
    const Entry* entry = find(code);
    return entry != nullptr && entry->may_retry;
}

std::string_view message_of(ErrorCode code) {
    const Entry* entry = find(code);
    return entry == nullptr ? "an error that this version does not know" : entry->message;
}

std::span<const ErrorCode> all_error_codes() {
    return codes;
}

}  // namespace moldau::protocol
