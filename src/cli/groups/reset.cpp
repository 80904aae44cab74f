#include "groups/reset.h"

#include <array>
#include <limits>

#include <fmt/format.h>

#include <moldau/base/number.h>
#include <moldau/protocol/text.h>

namespace moldau::cli {

namespace {

using Kind = ResetTarget::Kind;

Offset shifted(Offset from, std::int64_t by) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(from.value(), by, &sum))
        sum = by < 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
    return Offset(sum);
}

ResetStep step_within_log(const ResetInput& input, Offset wanted) {
    ResetStep step{input.partition, input.committed, wanted, {}};
    if (wanted > input.log_end) {
        step.offset = input.log_end;
        step.notice =
            fmt::format("{}: offset {} is behind the end; taking {}", to_text(input.partition), wanted, input.log_end);
    } else if (wanted < input.log_start) {
        step.offset = input.log_start;
        step.notice = fmt::format("{}: offset {} is before the first record; taking {}", to_text(input.partition),
                                  wanted, input.log_start);
    }
    return step;
}

ResetStep step_at_time(const ResetInput& input) {
    ResetStep step{input.partition, input.committed, input.at_time, {}};
    if (input.at_time == no_offset) {
        step.offset = input.log_end;
        step.notice =
            fmt::format("{}: no record is as late; taking its end, {}", to_text(input.partition), input.log_end);
    }
    return step;
}

Outcome<ResetStep> step_of(const ResetTarget& target, const ResetInput& input) {
    const auto at = [&input](Offset offset) { return ResetStep{input.partition, input.committed, offset, {}}; };
    switch (target.kind) {
        case Kind::earliest:
            return at(input.log_start);
        case Kind::latest:
            return at(input.log_end);
        case Kind::current:
            return at(input.committed.value_or(input.log_end));
        case Kind::offset:
            return step_within_log(input, Offset(target.value));
        case Kind::file:
            return step_within_log(input, input.in_file);
        case Kind::time:
        case Kind::ago:
            return step_at_time(input);
        case Kind::shift:
            break;
    }
    if (!input.committed)
        return failed(ExitCode::failed,
                      fmt::format("{}: nothing is committed that --shift-by could shift", to_text(input.partition)));
    return step_within_log(input, shifted(*input.committed, target.value));
}

/// A cell off the front of a line, and the comma behind it; a cell may be quoted.
std::string_view take_cell(std::string_view& line) {
    std::string_view cell;
    if (const std::size_t quote = line.starts_with('"') ? line.find('"', 1) : std::string_view::npos;
        quote != std::string_view::npos) {
        cell = line.substr(1, quote - 1);
        line.remove_prefix(quote + 1);
        line.remove_prefix(line.starts_with(',') ? 1 : 0);
        return cell;
    }
    const std::size_t comma = line.find(',');
    cell = line.substr(0, comma);
    line = comma == std::string_view::npos ? std::string_view() : line.substr(comma + 1);
    return cell;
}

struct FileLine {
    std::optional<std::string_view> group;
    std::string_view topic;
    std::int32_t partition = 0;
    std::int64_t offset = 0;
};

std::optional<FileLine> parse_file_line(std::string_view line) {
    std::array<std::string_view, 4> cells;
    std::size_t count = 0;
    for (; !line.empty() && count < cells.size(); ++count) cells[count] = take_cell(line);
    if (!line.empty() || count < 3) return std::nullopt;
    FileLine parsed;
    if (count == 4) parsed.group = cells[0];
    parsed.topic = cells[count - 3];
    const auto partition = parse_number<std::int32_t>(cells[count - 2]);
    const auto offset = parse_number<std::int64_t>(cells[count - 1]);
    if (parsed.topic.empty() || parsed.topic.size() > protocol::max_text_bytes || !partition || *partition < 0 ||
        !offset)
        return std::nullopt;
    parsed.partition = *partition;
    parsed.offset = *offset;
    return parsed;
}

}  // namespace

Outcome<std::vector<ResetStep>> plan_reset(const ResetTarget& target, const std::vector<ResetInput>& inputs) {
    std::vector<ResetStep> steps;
    for (const ResetInput& input : inputs) {
        Outcome<ResetStep> step = step_of(target, input);
        if (!step) return std::unexpected(std::move(step).error());
        steps.push_back(std::move(*step));
    }
    return steps;
}

Result<PartitionOffsets> parse_reset_file(std::string_view text, std::string_view group) {
    PartitionOffsets offsets;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty()) continue;
        const std::optional<FileLine> parsed = parse_file_line(line);
        if (!parsed)
            return fail(Errc::invalid, fmt::format("line {}: '{}' is not topic,partition,offset", number, line));
        if (parsed->group && *parsed->group != group) continue;
        const TopicPartition partition{std::string(parsed->topic), parsed->partition};
        if (!offsets.emplace(partition, parsed->offset).second)
            return fail(Errc::invalid, fmt::format("line {}: {} is there twice", number, to_text(partition)));
    }
    return offsets;
}

std::string reset_file_of(const std::vector<ResetStep>& steps) {
    std::string text;
    for (const ResetStep& step : steps)
        text += fmt::format("{},{},{}\n", step.partition.topic, step.partition.partition, step.offset);
    return text;
}

}  // namespace moldau::cli
