#include "failure.h"

#include <fmt/format.h>

namespace moldau::cli {

using protocol::ErrorCode;

namespace {

/// What the user can do about it; empty where the message says enough.
std::string_view advice(ErrorCode error) {
    switch (error) {
        case ErrorCode::unknown_topic_or_partition:
            return "'moldau topic list' shows what there is";
        case ErrorCode::topic_already_exists:
            return "--if-not-exists accepts that";
        case ErrorCode::invalid_replication_factor:
            return "a partition cannot have more replicas than there are brokers: --replication-factor";
        case ErrorCode::group_id_not_found:
            return "'moldau group list' shows what there is";
        case ErrorCode::non_empty_group:
            return "stop its members first";
        case ErrorCode::group_subscribed_to_topic:
            return "stop the members that read it first";
        case ErrorCode::topic_authorization_failed:
        case ErrorCode::group_authorization_failed:
        case ErrorCode::cluster_authorization_failed:
            return "ask for an ACL that allows it";
        case ErrorCode::message_too_large:
            return "raise max.message.bytes by 'moldau config alter --topic', or send smaller records or batches "
                   "(--batch-size)";
        case ErrorCode::not_enough_replicas:
        case ErrorCode::not_enough_replicas_after_append:
            return "fewer replicas are in sync than min.insync.replicas asks for";
        case ErrorCode::kafka_storage_error:
            return "the broker's log names the cause";
        default:
            return {};
    }
}

}  // namespace

ExitCode exit_code_of(ErrorCode error) {
    switch (error) {
        case ErrorCode::none:
            return ExitCode::ok;
        case ErrorCode::unknown_topic_or_partition:
        case ErrorCode::unknown_topic_id:
        case ErrorCode::group_id_not_found:
        case ErrorCode::resource_not_found:
        case ErrorCode::broker_id_not_registered:
            return ExitCode::not_found;
        case ErrorCode::topic_already_exists:
        case ErrorCode::duplicate_resource:
            return ExitCode::exists;
        case ErrorCode::topic_authorization_failed:
        case ErrorCode::group_authorization_failed:
        case ErrorCode::cluster_authorization_failed:
        case ErrorCode::transactional_id_authorization_failed:
        case ErrorCode::sasl_authentication_failed:
        case ErrorCode::illegal_sasl_state:
            return ExitCode::denied;
        case ErrorCode::request_timed_out:
            return ExitCode::timed_out;
        default:
            return ExitCode::failed;
    }
}

std::string reason_of(ErrorCode error, const std::optional<protocol::Text>& message) {
    std::string_view reason = message && !message->view().empty() ? message->view() : protocol::message_of(error);
    // Of brokers' words for this the user has no use: whoever asked was sent to the right one.
    if (error == ErrorCode::unknown_topic_or_partition) reason = "it does not exist";
    if (reason.ends_with('.')) reason.remove_suffix(1);
    std::string text = fmt::format("{} ({})", reason, protocol::name_of(error));
    if (const std::string_view hint = advice(error); !hint.empty()) text += fmt::format("; {}", hint);
    return text;
}

Failure failure_of(ErrorCode error, std::string_view what, const std::optional<protocol::Text>& message) {
    return {exit_code_of(error), fmt::format("{}: {}", what, reason_of(error, message)), protocol::is_retriable(error)};
}

Failure failure_of(const Error& error) {
    switch (error.code) {
        case Errc::not_found:
            return {ExitCode::not_found, error.message};
        case Errc::exists:
            return {ExitCode::exists, error.message};
        case Errc::timed_out:
            return {ExitCode::timed_out, error.message, true};
        case Errc::closed:
        case Errc::io:
            return {ExitCode::failed, error.message, true};
        default:
            return {ExitCode::failed, error.message};
    }
}

}  // namespace moldau::cli
