#include "groups/reset.h"

#include <limits>

#include <gtest/gtest.h>

namespace moldau::cli {
namespace {

using Target = ResetTarget::Kind;
constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();

struct ResetCase {
    const char* what;
    ResetTarget target;
    std::int64_t offset;
    std::string_view notice;  // how what is told ends
};

/// Of a log from 10 to 50 with 30 committed.
void expect_resets(const std::vector<ResetCase>& cases, const ResetInput& input) {
    for (const ResetCase& each : cases) {
        const auto steps = plan_reset(each.target, {input});
        ASSERT_TRUE(steps) << each.what;
        EXPECT_EQ(steps->front().offset, Offset(each.offset)) << each.what;
        EXPECT_EQ(steps->front().committed, input.committed) << each.what;
        EXPECT_EQ(steps->front().notice, each.notice) << each.what;
    }
}

ResetInput input_of(std::optional<Offset> committed) {
    ResetInput input;
    input.partition = {"t", 3};
    input.committed = committed;
    input.log_start = Offset(10);
    input.log_end = Offset(50);
    return input;
}

TEST(Reset, ReckonsFromTheLogAndWhatIsCommitted) {
    expect_resets(
        {
            {"earliest", {Target::earliest, 0}, 10, ""},
            {"latest", {Target::latest, 0}, 50, ""},
            {"current", {Target::current, 0}, 30, ""},
            {"an offset", {Target::offset, 20}, 20, ""},
            {"the first", {Target::offset, 10}, 10, ""},
            {"the end", {Target::offset, 50}, 50, ""},
            {"behind", {Target::offset, 51}, 50, "partition 3 of topic 't': offset 51 is behind the end; taking 50"},
            {"before",
             {Target::offset, 9},
             10,
             "partition 3 of topic 't': offset 9 is before the first record; taking 10"},
            {"negative",
             {Target::offset, -1},
             10,
             "partition 3 of topic 't': offset -1 is before the first record; taking 10"},
            {"forward", {Target::shift, 5}, 35, ""},
            {"back", {Target::shift, -5}, 25, ""},
            {"not at all", {Target::shift, 0}, 30, ""},
            {"too far", {Target::shift, 21}, 50, "partition 3 of topic 't': offset 51 is behind the end; taking 50"},
            {"too far back",
             {Target::shift, -21},
             10,
             "partition 3 of topic 't': offset 9 is before the first record; taking 10"},
            {"farther than numbers go",
             {Target::shift, most},
             50,
             "partition 3 of topic 't': offset 9223372036854775807 is behind the end; taking 50"},
            {"the same back",
             {Target::shift, least},
             10,
             "partition 3 of topic 't': offset -9223372036854775778 is before the first record; taking 10"},
        },
        input_of(Offset(30)));
}

TEST(Reset, LeavesWhereItIsWhatIsCommittedOutsideTheLog) {
    expect_resets({{"current", {Target::current, 0}, 60, ""}}, input_of(Offset(60)));
}

TEST(Reset, TakesTheEndWhereNothingIsCommitted) {
    expect_resets({{"current", {Target::current, 0}, 50, ""}, {"an offset", {Target::offset, 20}, 20, ""}},
                  input_of(std::nullopt));
    const auto shifted = plan_reset({Target::shift, 1}, {input_of(Offset(30)), input_of(std::nullopt)});
    ASSERT_FALSE(shifted);
    EXPECT_EQ(shifted.error().message, "partition 3 of topic 't': nothing is committed that --shift-by could shift");
}

TEST(Reset, TakesTheEndWhereNoRecordIsAsLate) {
    ResetInput input = input_of(Offset(30));
    for (const Target kind : {Target::time, Target::ago}) {
        input.at_time = no_offset;
        expect_resets({{"none", {kind, 7}, 50, "partition 3 of topic 't': no record is as late; taking its end, 50"}},
                      input);
        input.at_time = Offset(12);
        expect_resets({{"some", {kind, 7}, 12, ""}}, input);
    }
}

TEST(Reset, KeepsOffsetsOfAFileWithinTheLog) {
    ResetInput input = input_of(std::nullopt);
    input.in_file = Offset(40);
    expect_resets({{"inside", {Target::file, 0}, 40, ""}}, input);
    input.in_file = Offset(400);
    expect_resets(
        {{"outside", {Target::file, 0}, 50, "partition 3 of topic 't': offset 400 is behind the end; taking 50"}},
        input);
}

TEST(ResetFile, HoldsWhatWasWritten) {
    const std::string text =
        reset_file_of({{{"a", 0}, std::nullopt, Offset(5), ""}, {{"b", 12}, Offset(1), Offset(7), ""}});
    EXPECT_EQ(text, "a,0,5\nb,12,7\n");
    EXPECT_EQ(*parse_reset_file(text, "g"), (PartitionOffsets{{{"a", 0}, Offset(5)}, {{"b", 12}, Offset(7)}}));
}

TEST(ResetFile, MayNameGroupsAndBeWrittenElsewhere) {
    EXPECT_EQ(*parse_reset_file("g,a,0,5\r\n\r\nh,a,0,6\r\n\"g\",\"b\",1,-2", "g"),
              (PartitionOffsets{{{"a", 0}, Offset(5)}, {{"b", 1}, Offset(-2)}}));
    EXPECT_TRUE(parse_reset_file("", "g")->empty());
}

TEST(ResetFile, NamesTheLineThatIsWrong) {
    const std::pair<const char*, const char*> wrong[] = {
        {"a,0,5\na,0", "line 2: 'a,0' is not topic,partition,offset"},
        {"topic,partition,offset", "line 1: 'topic,partition,offset' is not topic,partition,offset"},
        {"a,-1,5", "line 1: 'a,-1,5' is not topic,partition,offset"},
        {",0,5", "line 1: ',0,5' is not topic,partition,offset"},
        {"g,a,0,5,x", "line 1: 'g,a,0,5,x' is not topic,partition,offset"},
        {"a,0,5\n\na,0,6", "line 3: partition 0 of topic 'a' is there twice"},
    };
    EXPECT_FALSE(parse_reset_file(std::string(40'000, 'x') + ",0,5", "g"));
    for (const auto& [text, message] : wrong) {
        const auto parsed = parse_reset_file(text, "g");
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().message, message);
    }
}

}  // namespace
}  // namespace moldau::cli
