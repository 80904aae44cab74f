#include "failure.h"

#include <gtest/gtest.h>

namespace moldau::cli {
namespace {

using protocol::ErrorCode;

TEST(Failure, GivesEachKindOfErrorItsExitCode) {
    EXPECT_EQ(exit_code_of(ErrorCode::none), ExitCode::ok);
    EXPECT_EQ(exit_code_of(ErrorCode::unknown_topic_or_partition), ExitCode::not_found);
    EXPECT_EQ(exit_code_of(ErrorCode::topic_already_exists), ExitCode::exists);
    EXPECT_EQ(exit_code_of(ErrorCode::topic_authorization_failed), ExitCode::denied);
    EXPECT_EQ(exit_code_of(ErrorCode::request_timed_out), ExitCode::timed_out);
    EXPECT_EQ(exit_code_of(ErrorCode::invalid_config), ExitCode::failed);
}

TEST(Failure, NamesTheThingTheReasonAndTheCode) {
    const Failure failure = failure_of(ErrorCode::invalid_config, "topic 'a'", protocol::Text("no such key"));
    EXPECT_EQ(failure.message, "topic 'a': no such key (INVALID_CONFIG)");
    EXPECT_FALSE(failure.retriable);
}

TEST(Failure, SaysWhatToDoWhereItKnows) {
    const Failure failure = failure_of(ErrorCode::topic_already_exists, "topic 'a'");
    EXPECT_NE(failure.message.find("--if-not-exists"), std::string::npos) << failure.message;
}

TEST(Failure, HasItsOwnWordsForWhatDoesNotExist) {
    const Failure failure = failure_of(ErrorCode::unknown_topic_or_partition, "topic 'a'",
                                       protocol::Text("This server does not host this topic-partition."));
    EXPECT_TRUE(failure.message.starts_with("topic 'a': it does not exist (UNKNOWN_TOPIC_OR_PARTITION); "))
        << failure.message;
}

TEST(Failure, OfFilesThatCannotBeUsedSendsTheUserToTheLog) {
    const Failure failure = failure_of(ErrorCode::kafka_storage_error, "partition 0 of topic 'a'");
    EXPECT_EQ(failure.message,
              "partition 0 of topic 'a': the partition's files cannot be used: the disk failed or is full, or what it "
              "holds is damaged (KAFKA_STORAGE_ERROR); the broker's log names the cause");
    EXPECT_TRUE(failure.retriable) << "the disk may have room again";
}

TEST(Failure, KeepsWhatMayBeTriedAgain) {
    EXPECT_TRUE(failure_of(ErrorCode::not_leader_or_follower, "x").retriable);
    EXPECT_TRUE(failure_of(Error{Errc::closed, "gone"}).retriable);
    EXPECT_FALSE(failure_of(Error{Errc::invalid, "wrong"}).retriable);
}

}  // namespace
}  // namespace moldau::cli
