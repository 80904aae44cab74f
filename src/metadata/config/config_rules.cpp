// The rules between settings, as Apache Kafka 4.3 applies them: at a start KafkaConfig and LogManager, in a change
// KafkaConfig and DynamicLogConfig, of topics LogConfig.
#include <algorithm>

#include <moldau/base/number.h>
#include <moldau/metadata/configs.h>

namespace moldau::metadata {

namespace {

using Errors = std::vector<std::string>;

/// Requires: a key that has a value.
std::int64_t number(const ConfigView& view, std::string_view key) {
    return parse_integer(*view.broker_value(key));
}

void check_connections(const ConfigView& view, Errors& errors) {
    const std::int64_t idle_ms = number(view, "connections.max.idle.ms");
    const std::int64_t delay_ms = number(view, "connection.failed.authentication.delay.ms");
    if (idle_ms >= 0 && idle_ms <= delay_ms)
        errors.push_back(
            fmt::format("connections.max.idle.ms={}: it must be longer than "
                        "connection.failed.authentication.delay.ms, which is {}, or -1 for never",
                        idle_ms, delay_ms));
    const auto overrides = parse_connection_overrides(*view.broker_value("max.connections.per.ip.overrides"));
    if (!overrides) {
        errors.push_back(overrides.error().message);
    } else if (overrides->empty() && number(view, "max.connections.per.ip") == 0) {
        errors.push_back("max.connections.per.ip=0: nobody could connect without max.connections.per.ip.overrides");
    }
    const std::int64_t queued_bytes = number(view, "queued.max.request.bytes");
    const std::int64_t request_bytes = number(view, "socket.request.max.bytes");
    if (queued_bytes > 0 && queued_bytes < request_bytes)
        errors.push_back(
            fmt::format("queued.max.request.bytes={}: it must be at least socket.request.max.bytes, which is {}, or -1",
                        queued_bytes, request_bytes));
}

void check_replication(const ConfigView& view, Errors& errors) {
    const std::int64_t wait_ms = number(view, "replica.fetch.wait.max.ms");
    for (const std::string_view bound : {"replica.socket.timeout.ms", "replica.lag.time.max.ms"}) {
        if (wait_ms > number(view, bound))
            errors.push_back(fmt::format("replica.fetch.wait.max.ms={}: it must be at most {}, which is {}", wait_ms,
                                         bound, number(view, bound)));
    }
}

void check_directories(const ConfigView& view, Errors& errors) {
    const auto told = view.broker_value("log.dirs");
    const std::vector<std::string> directories = parse_list(told ? *told : *view.broker_value("log.dir"));
    const std::string value = *view.broker_value("cordoned.log.dirs");
    const std::vector<std::string> cordoned = parse_list(value);
    if (cordoned == std::vector<std::string>{"*"}) return;
    const auto is_known = [&](const std::string& each) { return std::ranges::count(directories, each) > 0; };
    if (!std::ranges::all_of(cordoned, is_known))
        errors.push_back(
            fmt::format("cordoned.log.dirs={}: it must be * alone, or name directories of log.dirs", value));
}

void check_cleaner(const ConfigView& view, Errors& errors) {
    constexpr std::int64_t min_bytes = 1024 * 1024;
    const std::int64_t bytes = number(view, "log.cleaner.dedupe.buffer.size");
    const std::int64_t threads = number(view, "log.cleaner.threads");
    if (threads == 0 || bytes / threads <= min_bytes)
        errors.push_back(
            fmt::format("log.cleaner.dedupe.buffer.size={} and log.cleaner.threads={}: there must be a thread, and "
                        "more than {} bytes for each",
                        bytes, threads, min_bytes));
}

/// `local` may be −2, which is as much as `whole`; −1 of `whole` is no bound.
void check_local_part(const ConfigView& view, std::string_view whole, std::string_view local, Errors& errors) {
    const std::int64_t most = number(view, whole);
    const std::int64_t part = number(view, local);
    if (most >= 0 && part != -2 && (part == -1 || part > most))
        errors.push_back(
            fmt::format("{}={}: it must be at most {}, which is {}, or -2 for as much", local, part, whole, most));
}

bool is_true(const ConfigView& view, const std::string& topic, std::string_view key) {
    return parse_boolean(*view.topic_value(topic, key));
}

}  // namespace

std::vector<std::string> check_together(const ConfigView& broker, Occasion occasion) {
    Errors errors;
    if (number(broker, "log.retention.ms") == 0)
        errors.push_back(
            "log.retention.hours, log.retention.minutes or log.retention.ms is 0: the age at which segments "
            "are deleted must be at least 1, or -1 for never");
    check_connections(broker, errors);
    check_replication(broker, errors);
    check_directories(broker, errors);
    check_cleaner(broker, errors);
    const auto node = broker.broker_value("node.id");
    const auto old_name = broker.broker_value("broker.id");
    // −1 is what broker.id has when it is not set.
    if (node && old_name && parse_integer(*old_name) != -1 && parse_integer(*node) != parse_integer(*old_name))
        errors.push_back(fmt::format(
            "node.id={} and broker.id={}: they are one number under two names; leave out broker.id", *node, *old_name));
    if (occasion == Occasion::change) {
        check_local_part(broker, "log.retention.ms", "log.local.retention.ms", errors);
        check_local_part(broker, "log.retention.bytes", "log.local.retention.bytes", errors);
        return errors;
    }
    const std::int64_t min_lag_ms = number(broker, "log.cleaner.min.compaction.lag.ms");
    const std::int64_t max_lag_ms = number(broker, "log.cleaner.max.compaction.lag.ms");
    if (min_lag_ms > max_lag_ms)
        errors.push_back(
            fmt::format("log.cleaner.min.compaction.lag.ms={}: it must be at most log.cleaner.max.compaction.lag.ms, "
                        "which is {}",
                        min_lag_ms, max_lag_ms));
    return errors;
}

std::vector<std::string> check_together(const ConfigView& before, const ConfigView& after, const std::string& topic) {
    Errors errors;
    const std::int64_t min_lag_ms = parse_integer(*after.topic_value(topic, "min.compaction.lag.ms"));
    const std::int64_t max_lag_ms = parse_integer(*after.topic_value(topic, "max.compaction.lag.ms"));
    if (min_lag_ms > max_lag_ms)
        errors.push_back(fmt::format("min.compaction.lag.ms={}: it must be at most max.compaction.lag.ms, which is {}",
                                     min_lag_ms, max_lag_ms));
    if (is_true(after, topic, "remote.storage.enable")) {
        errors.push_back("remote.storage.enable=true: there is no remote storage here; leave it false");
    } else if (is_true(before, topic, "remote.storage.enable") &&
               !is_true(after, topic, "remote.log.delete.on.disable")) {
        errors.push_back(
            "remote.storage.enable=false: what the topic has in remote storage must go with it; set "
            "remote.log.delete.on.disable=true, too");
    }
    return errors;
}

Result<std::map<std::string, std::int32_t>> parse_connection_overrides(std::string_view value) {
    constexpr std::string_view of_hosts = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-%._:";
    std::map<std::string, std::int32_t> overrides;
    value = trimmed(value);
    while (!value.empty()) {
        const std::size_t comma = std::min(value.find(','), value.size());
        const std::string_view each = trimmed(value.substr(0, comma));
        value.remove_prefix(std::min(comma + 1, value.size()));
        const std::size_t colon = each.rfind(':');
        const std::string_view host = trimmed(each.substr(0, colon));
        const auto count = colon == std::string_view::npos
                               ? std::nullopt
                               : parse_number<std::int32_t>(trimmed(each.substr(colon + 1)));
        if (!count || host.find_first_not_of(of_hosts) != std::string_view::npos)
            return fail(Errc::invalid,
                        fmt::format("max.connections.per.ip.overrides: {} is not an address or host name, a colon and "
                                    "a number of connections",
                                    each));
        overrides.insert_or_assign(std::string(host), *count);
    }
    return overrides;
}

}  // namespace moldau::metadata
