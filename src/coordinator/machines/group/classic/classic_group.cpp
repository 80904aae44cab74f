#include "classic_group.h"

#include <algorithm>

#include <moldau/base/assert.h>
#include <moldau/protocol/reader.h>
#include <moldau/protocol/records/consumer_protocol_subscription.h>

#include "../group_state.h"

namespace moldau::coordinator {
namespace {

using protocol::ErrorCode;

constexpr std::string_view consumer_protocol_type = "consumer";
/// Whoever joins writes these bytes, of which two may be a topic: a quarter of a million are read.
constexpr std::size_t max_subscription_array_bytes = 4 << 20;

/// Each once, however often the member names it.
std::set<std::string_view> names_of(const std::vector<MemberProtocol>& protocols) {
    std::set<std::string_view> names;
    for (const MemberProtocol& offered : protocols) names.insert(offered.name);
    return names;
}

}  // namespace

std::string_view name_of(GroupState state) {
    switch (state) {
        case GroupState::empty:
            return "Empty";
        case GroupState::preparing_rebalance:
            return "PreparingRebalance";
        case GroupState::completing_rebalance:
            return "CompletingRebalance";
        default:
            return "Stable";
    }
}

std::vector<MemberProtocol> protocols_of(const protocol::JoinGroupRequest& request) {
    std::vector<MemberProtocol> protocols;
    protocols.reserve(request.protocols.size());
    for (const auto& offered : request.protocols) protocols.push_back({offered.name.str(), offered.metadata.copy()});
    return protocols;
}

bool Member::says(const protocol::JoinGroupRequest& request) const {
    return std::ranges::equal(protocols, request.protocols, [](const MemberProtocol& before, const auto& now) {
        return now.name == before.name && std::ranges::equal(now.metadata.view(), before.metadata);
    });
}

ByteView Member::metadata_of(std::string_view protocol) const {
    const auto found = std::ranges::find(protocols, protocol, &MemberProtocol::name);
    return found == protocols.end() ? ByteView{} : ByteView(found->metadata);
}

ClassicGroup::ClassicGroup(const StoredMetadata& stored)
    : state_(stored.members.empty() ? GroupState::empty : GroupState::stable),
      state_since_(stored.state_since),
      generation_(stored.generation),
      protocol_(stored.protocol) {
    if (!stored.protocol_type.empty()) protocol_type_ = stored.protocol_type;
    for (const auto& [id, member] : stored.members) {
        Member loaded{.id = id,
                      .instance_id = member.instance_id,
                      .client_id = member.client_id,
                      .client_host = member.client_host,
                      .rebalance_timeout_ms = member.rebalance_timeout_ms,
                      .session_timeout_ms = member.session_timeout_ms,
                      .protocols = {{stored.protocol.value_or(""), member.subscription}}};
        if (loaded.instance_id) static_members_.insert_or_assign(*loaded.instance_id, id);
        count(members_.emplace(id, std::move(loaded)).first->second);
    }
    leader_ = stored.leader;
    if (leader_ && !has(*leader_)) leader_.reset();
    if (!leader_ && !members_.empty()) leader_ = members_.begin()->first;
    compute_subscribed_topics();
}

void ClassicGroup::move_to(GroupState state, Timestamp now) {
    if (is(GroupState::completing_rebalance) && state == GroupState::preparing_rebalance) keeps_assignments_ = false;
    if (state == GroupState::stable) keeps_assignments_ = true;
    previous_ = state_;
    state_ = state;
    state_since_ = now;
}

bool ClassicGroup::is_of_consumers() const {
    return protocol_type_ == consumer_protocol_type;
}

bool ClassicGroup::is_subscribed_to(std::string_view topic) const {
    return subscribed_topics_ ? subscribed_topics_->contains(topic) : is_of_consumers();
}

Member* ClassicGroup::find(std::string_view member_id) {
    const auto found = members_.find(member_id);
    return found == members_.end() ? nullptr : &found->second;
}

const Member* ClassicGroup::find(std::string_view member_id) const {
    const auto found = members_.find(member_id);
    return found == members_.end() ? nullptr : &found->second;
}

const std::string* ClassicGroup::find_static(std::string_view instance_id) const {
    const auto found = static_members_.find(instance_id);
    return found == static_members_.end() ? nullptr : &found->second;
}

ErrorCode ClassicGroup::check_member(std::string_view member_id,
                                     const std::optional<protocol::Text>& instance_id) const {
    if (instance_id) {
        const std::string* holder = find_static(*instance_id);
        if (holder == nullptr) return ErrorCode::unknown_member_id;
        if (*holder != member_id) return ErrorCode::fenced_instance_id;
    }
    return has(member_id) ? ErrorCode::none : ErrorCode::unknown_member_id;
}

Member& ClassicGroup::add(Member member, std::string_view protocol_type) {
    if (members_.empty()) protocol_type_ = protocol_type;
    if (!leader_) leader_ = member.id;
    if (member.instance_id) static_members_.insert_or_assign(*member.instance_id, member.id);
    if (const auto pending = pending_joins_.find(member.id); pending != pending_joins_.end())
        pending_joins_.erase(pending);
    const auto [at, added] = members_.emplace(member.id, std::move(member));
    MOLDAU_ASSERT(added);
    count(at->second);
    return at->second;
}

void ClassicGroup::count(const Member& member) {
    for (const std::string_view name : names_of(member.protocols)) ++offering_[std::string(name)];
    if (member.joining) ++joining_count_;
}

void ClassicGroup::discount(const Member& member) {
    for (const std::string_view name : names_of(member.protocols)) {
        const auto at = offering_.find(name);
        MOLDAU_ASSERT(at != offering_.end());
        if (--at->second == 0) offering_.erase(at);
    }
    if (member.joining) --joining_count_;
}

void ClassicGroup::set_protocols(Member& member, std::vector<MemberProtocol> protocols) {
    discount(member);
    member.protocols = std::move(protocols);
    count(member);
}

void ClassicGroup::set_joining(Member& member, std::optional<Ticket> joining) {
    if (member.joining) --joining_count_;
    member.joining = joining;
    if (member.joining) ++joining_count_;
}

void ClassicGroup::remove(std::string_view member_id) {
    const auto erase_from = [&](std::set<std::string, std::less<>>& ids) {
        if (const auto at = ids.find(member_id); at != ids.end()) ids.erase(at);
    };
    erase_from(pending_joins_);
    erase_from(awaited_syncs_);
    const auto found = members_.find(member_id);
    if (found == members_.end()) return;
    const bool led = leads(member_id);
    if (found->second.instance_id) static_members_.erase(*found->second.instance_id);
    discount(found->second);
    members_.erase(found);
    if (!led) return;
    leader_.reset();
    if (!members_.empty()) leader_ = members_.begin()->first;
}

Member& ClassicGroup::rename(std::string_view old_id, std::string new_id) {
    auto node = members_.extract(members_.find(old_id));
    MOLDAU_ASSERT(!node.empty() && node.mapped().instance_id);
    if (leads(old_id)) leader_ = new_id;
    if (const auto awaited = awaited_syncs_.find(old_id); awaited != awaited_syncs_.end())
        awaited_syncs_.erase(awaited);
    static_members_.insert_or_assign(*node.mapped().instance_id, new_id);
    node.mapped().id = new_id;
    node.key() = std::move(new_id);
    return members_.insert(std::move(node)).position->second;
}

std::int32_t ClassicGroup::rebalance_timeout_ms() const {
    std::int32_t longest = 0;
    for (const auto& [id, member] : members_) longest = std::max(longest, member.rebalance_timeout_ms);
    return longest;
}

bool ClassicGroup::is_offered_by_all(std::string_view protocol) const {
    const auto found = offering_.find(protocol);
    return (found == offering_.end() ? 0 : found->second) == members_.size();
}

bool ClassicGroup::supports(const protocol::JoinGroupRequest& request) const {
    if (is(GroupState::empty)) return !request.protocol_type.empty() && !request.protocols.empty();
    if (protocol_type_ != request.protocol_type.view()) return false;
    return std::ranges::any_of(request.protocols, [&](const auto& offered) { return is_offered_by_all(offered.name); });
}

std::optional<std::string> ClassicGroup::elect_protocol() const {
    if (members_.empty()) return std::nullopt;
    std::map<std::string_view, std::size_t> votes;
    for (const auto& [id, member] : members_) {
        const auto preferred = std::ranges::find_if(
            member.protocols, [&](const MemberProtocol& offered) { return is_offered_by_all(offered.name); });
        if (preferred != member.protocols.end()) ++votes[preferred->name];
    }
    const auto most = std::ranges::max_element(votes, {}, [](const auto& vote) { return vote.second; });
    if (most == votes.end()) return std::nullopt;
    return std::string(most->first);
}

bool ClassicGroup::elect_joined_leader() {
    if (!leader_) return false;
    if (const Member* leading = find(*leader_); leading != nullptr && leading->joining) return true;
    const auto joined =
        std::ranges::find_if(members_, [](const auto& entry) { return entry.second.joining.has_value(); });
    if (joined == members_.end()) return false;
    leader_ = joined->first;
    return true;
}

void ClassicGroup::begin_generation(Timestamp now) {
    ++generation_;
    protocol_ = elect_protocol();
    compute_subscribed_topics();
    move_to(members_.empty() ? GroupState::empty : GroupState::completing_rebalance, now);
    awaited_syncs_.clear();
}

void ClassicGroup::compute_subscribed_topics() {
    subscribed_topics_.reset();
    if (!is_of_consumers()) return;
    std::set<std::string, std::less<>> topics;
    for (const auto& [id, member] : members_) {
        if (!protocol_) return;
        protocol::Reader reader(member.metadata_of(*protocol_), max_subscription_array_bytes);
        const auto version = reader.integer<std::int16_t>();
        // Every version begins with what version 0 has.
        const auto subscription = protocol::ConsumerProtocolSubscription::decode(reader, 0);
        if (!reader.ok() || version < 0) return;
        for (const auto& topic : subscription.topics) topics.insert(topic.str());
    }
    subscribed_topics_ = std::move(topics);
}

}  // namespace moldau::coordinator
