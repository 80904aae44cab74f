// Produce: appends begin in the order of arrival before serve() returns; answers follow when they may.

#include <chrono>
#include <map>
#include <ranges>
#include <unordered_set>
#include <utility>

#include <moldau/metadata/topic_name.h>
#include <moldau/protocol/messages/produce.h>
#include <moldau/protocol/reader.h>
#include <moldau/replication/partition.h>

#include "../handlers.h"

namespace moldau::api {
namespace {

using protocol::ErrorCode;
using protocol::ProduceRequest;
using protocol::ProduceResponse;
using replication::AppendOutcome;
using replication::Partition;

constexpr std::int16_t first_version_with_topic_ids = 13;
constexpr std::int16_t acks_of_all = -1;
/// The one client that may write to the broker's own topics, as in Kafka.
constexpr std::string_view admin_client_id = "__admin_client";
/// The timeout that a request names is for followers. While the one replica is the leader, what is waited for is its
/// own disk, and an error for what is there soon after would have it sent twice: so long, which is what clients wait
/// unless told otherwise.
constexpr std::chrono::milliseconds least_wait = std::chrono::seconds(30);

/// What a producer's records may well hold of its frame's size, so that a large frame of it is never refused.
constexpr std::size_t usual_compression = 16;

/// A partition of a Produce takes several times in memory what its element of the decoded request does.
constexpr std::size_t max_array_bytes = max_request_array_bytes / 8;

/// One Produce on its way: lives on the connection's shard; other shards reach it only to append their parts while it
/// waits for them.
class ProduceOperation : public std::enable_shared_from_this<ProduceOperation> {
 public:
    ProduceOperation(Shell& shell, net::Request request, runtime::Handler<net::Response> done)
        : shell_(shell), raw_(std::move(request)), done_(std::move(done)) {}

    void start();

 private:
    struct Part {
        std::size_t topic;
        PartitionIndex index;
        std::shared_ptr<Partition> where;  ///< until the parts are sent out
        MutableBytes records;
        AppendOutcome outcome;
        bool waits = false;        ///< for its commit
        bool is_replaced = false;  ///< a later part is for the same partition, and alone counts
    };
    /// A part on its way. Partitions keep operations that wait there: one that kept partitions in turn, and was kept
    /// by another of them, would outlive a node that ends at once.
    struct Order {
        std::size_t part;
        std::shared_ptr<Partition> where;
    };
    struct Topic {
        protocol::Text name;  ///< owned: the frame goes before the answer
        TopicId id;
    };

    void add_parts(const ProduceRequest::TopicProduceData& topic);
    ErrorCode refusal() const;
    void drop_replaced();
    void append_here(const std::vector<Order>& orders);
    void append_there(runtime::Shard& there, std::vector<Order> orders);
    void appended(const std::vector<Order>& orders);
    void wait_for_commit(const Order& order);
    void committed(std::size_t part, ErrorCode error);
    void time_out();
    void leave(std::size_t count);
    void answer();
    runtime::Shard& home() const { return shell_.shard; }

    Shell& shell_;
    net::Request raw_;
    runtime::Handler<net::Response> done_;
    std::vector<Topic> topics_;
    std::vector<Part> parts_;
    net::RequestBudget::Charge parts_charge_;  ///< until the answer
    std::int16_t acks_ = 0;
    std::int32_t timeout_ms_ = 0;
    std::size_t unappended_ = 0;  ///< parts whose append has not come back
    std::size_t open_ = 0;        ///< parts whose outcome is not final
    runtime::TimerQueue::Id timer_;
    bool answered_ = false;
};

void ProduceOperation::start() {
    protocol::Reader reader(raw_.body(), max_array_bytes);
    const ProduceRequest request = ProduceRequest::decode(reader, raw_.api_version);
    if (!reader.ok()) {
        std::move(done_)(
            closing(fmt::format("its ProduceRequest v{} cannot be read: {}", raw_.api_version, reader.error())));
        return;
    }
    std::size_t partitions = 0;
    for (const auto& topic : request.topic_data) partitions += topic.partition_data.size();
    raw_.budget.add(reader.array_bytes() + partitions * sizeof(Part));
    parts_charge_ = raw_.budget.split(partitions * sizeof(Part));
    parts_.reserve(partitions);
    acks_ = request.acks;
    timeout_ms_ = request.timeout_ms;
    for (const auto& topic : request.topic_data) add_parts(topic);
    drop_replaced();

    const ErrorCode refused = refusal();
    std::map<unsigned, std::vector<Order>> by_shard;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        Part& part = parts_[i];
        std::shared_ptr<Partition> where = std::move(part.where);
        if (part.is_replaced) continue;
        if (refused != ErrorCode::none) {
            part.outcome.error = refused;
        } else if (part.outcome.error == ErrorCode::none) {
            const unsigned shard = where->shard().index();
            by_shard[shard].push_back({i, std::move(where)});
            ++unappended_;
        }
    }
    open_ = unappended_;
    if (open_ == 0) return answer();
    const auto keep = shared_from_this();
    for (auto& [index, orders] : by_shard) {
        runtime::Shard& there = orders.front().where->shard();
        if (&there == &home()) {
            append_here(orders);
            appended(orders);
        } else {
            append_there(there, std::move(orders));
        }
    }
}

void ProduceOperation::add_parts(const ProduceRequest::TopicProduceData& topic) {
    const node::View& view = shell_.node.view(home());
    const bool by_id = raw_.api_version >= first_version_with_topic_ids;
    const metadata::TopicPtr known =
        by_id ? view.image->find_topic(topic.topic_id) : view.image->find_topic(topic.name.view());
    const std::string_view name = by_id && known ? std::string_view(known->name) : topic.name.view();
    ErrorCode error = ErrorCode::none;
    if (by_id && !known) {
        error = ErrorCode::unknown_topic_id;
    } else if (!shell_.authorizer.allows(*raw_.peer, Operation::write, ResourceType::topic, name)) {
        error = ErrorCode::topic_authorization_failed;  // also where there is none: strangers learn no names
    } else if (!known) {
        error = ErrorCode::unknown_topic_or_partition;
    }
    topics_.push_back({topic.name.owned(), topic.topic_id});
    for (const auto& partition : topic.partition_data) {
        Part& part = parts_.emplace_back();
        part.topic = topics_.size() - 1;
        part.index = partition.index;
        // The frame is ours alone and may be written to: offsets go into the batch where it lies.
        const ByteView records = partition.records.view();
        part.records = MutableBytes(const_cast<std::uint8_t*>(records.data()), records.size());
        part.outcome.error = error;
        if (error != ErrorCode::none) continue;
        node::FoundPartition found = view.find(*known, partition.index, shell_.node.options().id);
        part.where = std::move(found.partition);
        part.outcome.error = found.error;
        if (part.outcome.error != ErrorCode::unknown_topic_or_partition && metadata::is_internal_topic(known->name) &&
            raw_.client_id != admin_client_id) {
            part.outcome.error = ErrorCode::invalid_topic_exception;
            part.outcome.message = fmt::format("'{}' is the broker's own: clients do not write to it", known->name);
        }
    }
}

/// As in Apache Kafka, of a partition that is named again only the last part is appended and answered.
void ProduceOperation::drop_replaced() {
    if (parts_.size() < 2) return;
    std::unordered_set<const Partition*> seen;
    for (Part& part : std::views::reverse(parts_))
        if (part.where) part.is_replaced = !seen.insert(part.where.get()).second;
}

ErrorCode ProduceOperation::refusal() const {
    if (acks_ < -1 || acks_ > 1) return ErrorCode::invalid_required_acks;
    return ErrorCode::none;
}

void ProduceOperation::append_here(const std::vector<Order>& orders) {
    protocol::RequestAllowance allowance;
    for (const Order& order : orders)
        allowance.decompressed_bytes += usual_compression * parts_[order.part].records.size();
    const replication::AppendRequest how{
        .acks_all = acks_ == acks_of_all, .produce_version = raw_.api_version, .allowance = &allowance};
    for (const Order& order : orders) {
        Part& part = parts_[order.part];
        part.outcome = order.where->append(part.records, how);
    }
}

void ProduceOperation::append_there(runtime::Shard& there, std::vector<Order> orders) {
    there.post([keep = shared_from_this(), orders = std::move(orders)]() mutable {
        keep->append_here(orders);
        runtime::Shard& back = keep->home();
        back.post([keep = std::move(keep), orders = std::move(orders)] { keep->appended(orders); });
    });
}

void ProduceOperation::appended(const std::vector<Order>& orders) {
    unappended_ -= orders.size();
    if (unappended_ == 0) {
        // All is written: the bytes go back before the acknowledgement is there.
        raw_.frame = {};
        raw_.budget.release();
    }
    std::size_t final_now = 0;
    for (const Order& order : orders) {
        Part& part = parts_[order.part];
        part.waits = acks_ == acks_of_all && part.outcome.error == ErrorCode::none;
        if (!part.waits) ++final_now;
    }
    const auto keep = shared_from_this();
    for (const Order& order : orders)
        if (parts_[order.part].waits) wait_for_commit(order);
    leave(final_now);
}

void ProduceOperation::wait_for_commit(const Order& order) {
    if (timer_ == runtime::TimerQueue::Id{} && open_ > 0)
        timer_ = home().timers().add(
            runtime::after(home().now(), std::max(least_wait, std::chrono::milliseconds(timeout_ms_))),
            [keep = shared_from_this()] { keep->time_out(); });
    const std::size_t index = order.part;
    const Offset end = parts_[index].outcome.end;
    if (&order.where->shard() == &home()) {
        order.where->when_acknowledged(
            end, [keep = shared_from_this(), index](ErrorCode error) { keep->committed(index, error); });
        return;
    }
    order.where->shard().post([keep = shared_from_this(), where = order.where, end, index] {
        where->when_acknowledged(end, [keep, index](ErrorCode error) {
            keep->home().post([keep, index, error] { keep->committed(index, error); });
        });
    });
}

void ProduceOperation::committed(std::size_t index, ErrorCode error) {
    Part& part = parts_[index];
    if (!std::exchange(part.waits, false)) return;  // timed out before
    if (error != ErrorCode::none) part.outcome = AppendOutcome{.error = error};
    leave(1);
}

void ProduceOperation::time_out() {
    timer_ = {};
    std::size_t late = 0;
    for (Part& part : parts_) {
        if (!std::exchange(part.waits, false)) continue;
        part.outcome = AppendOutcome{.error = ErrorCode::request_timed_out};
        ++late;
    }
    leave(late);
}

void ProduceOperation::leave(std::size_t count) {
    open_ -= count;
    if (open_ == 0) answer();
}

void ProduceOperation::answer() {
    if (std::exchange(answered_, true)) return;
    home().timers().cancel(timer_);
    parts_charge_.release();  // here: who lets go of the operation last may be another shard
    if (acks_ == 0) {
        const auto failed =
            std::ranges::find_if(parts_, [](const Part& part) { return part.outcome.error != ErrorCode::none; });
        if (failed == parts_.end()) return std::move(done_)(net::Response{});
        return std::move(done_)(closing(fmt::format("its Produce with acks=0 failed at partition {}: {}", failed->index,
                                                    protocol::name_of(failed->outcome.error))));
    }
    ProduceResponse response;
    response.responses.reserve(topics_.size());
    for (Topic& topic : topics_) {
        auto& told = response.responses.emplace_back();
        told.name = std::move(topic.name);
        told.topic_id = topic.id;
    }
    for (Part& part : parts_) {
        if (part.is_replaced) continue;
        auto& told = response.responses[part.topic].partition_responses.emplace_back();
        told.index = part.index;
        told.error_code = part.outcome.error;
        told.base_offset = part.outcome.base_offset;
        told.log_append_time_ms = part.outcome.log_append_time.value();
        told.log_start_offset = part.outcome.log_start;
        if (part.outcome.message) told.error_message = protocol::error_text(*part.outcome.message);
        for (const auto& record_error : part.outcome.record_errors)
            told.record_errors.push_back({record_error.batch_index, protocol::Text(record_error.message)});
    }
    std::move(done_)(encode_response(raw_, response));
}

}  // namespace

void produce(Shell& shell, net::Request request, runtime::Handler<net::Response> done) {
    std::make_shared<ProduceOperation>(shell, std::move(request), std::move(done))->start();
}

}  // namespace moldau::api
