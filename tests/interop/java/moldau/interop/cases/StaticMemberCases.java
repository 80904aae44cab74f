package moldau.interop.cases;

import java.io.IOException;
import java.util.List;
import moldau.interop.Groups;
import moldau.interop.Member;
import moldau.interop.Session;
import org.apache.kafka.common.message.LeaveGroupRequestData;
import org.apache.kafka.common.message.LeaveGroupRequestData.MemberIdentity;
import org.apache.kafka.common.message.OffsetCommitRequestData;
import org.apache.kafka.common.message.OffsetCommitRequestData.OffsetCommitRequestPartition;
import org.apache.kafka.common.message.OffsetCommitRequestData.OffsetCommitRequestTopic;
import org.apache.kafka.common.protocol.ApiKeys;

/** Members with an instance id of their own: they come back, and fence who had it before. */
public final class StaticMemberCases {
    private static final int FIRST_JOIN = 5;

    private StaticMemberCases() {}

    public static void run(Session session) throws IOException {
        Groups.awaitCoordinators(session);
        session.createTopic("static", 2, java.util.Map.of());
        for (int version = FIRST_JOIN; version <= ApiKeys.JOIN_GROUP.latestVersion(false); version++) versions(session, version);
        alone(session);
        two(session);
        inRounds(session);
        leaves(session);
        odd(session);
    }

    private static Member member(Session session, String group, String instance) {
        return new Member(session, group).withInstance(instance);
    }

    /** As a process that was started again: it knows its instance alone. */
    private static Member again(Member member) {
        Member fresh = new Member(member.session, member.group).withInstance(member.instance);
        fresh.protocols = member.protocols;
        fresh.protocolType = member.protocolType;
        return fresh;
    }

    private static void versions(Session session, int version) throws IOException {
        Member leader = member(session, "static-" + version, "a");
        leader.join("static", version);
        leader.sync("static", leader, "all");
        Member fresh = again(leader);
        fresh.join("leader started again", version);
        fresh.heartbeat("leader started again");
        fresh.sync("leader started again", fresh, "else");
        fenced(leader, "leader started again");
        Member follower = member(session, "static-" + version, "b");
        Member.Joining joining = follower.joining("follower", version);
        Groups.await(session, fresh.group, "PreparingRebalance", 2);
        Member.Joining other = fresh.joining("leader", version);
        joining.answer();
        other.answer();
        fresh.sync("two", fresh, "of a", follower, "of b");
        follower.sync("two");
        Member freshFollower = again(follower);
        freshFollower.join("follower started again", version);
        freshFollower.sync("follower started again");
        fenced(follower, "follower started again");
        Member freshLeader = again(fresh);
        freshLeader.join("leader of two started again", version);
        freshLeader.sync("leader of two started again");
        freshFollower.heartbeat("leader of two started again");
        freshFollower.leave("over");
        freshLeader.leave("over");
    }

    /** All that who had the instance before may ask. */
    private static void fenced(Member old, String when) throws IOException {
        old.heartbeat("fenced, " + when);
        old.sync("fenced, " + when);
        commit(old, "fenced, " + when);
        old.leave("fenced, " + when);
        old.join("fenced, " + when);
    }

    private static void commit(Member member, String name) throws IOException {
        OffsetCommitRequestTopic topic = new OffsetCommitRequestTopic().setName("static").setPartitions(List.of(
            new OffsetCommitRequestPartition().setPartitionIndex(0).setCommittedOffset(5).setCommittedMetadata("by " + member.instance)));
        member.session.ask(name, ApiKeys.OFFSET_COMMIT, 9, new OffsetCommitRequestData().setGroupId(member.group)
            .setGenerationIdOrMemberEpoch(member.generation).setMemberId(member.id).setGroupInstanceId(member.instance)
            .setTopics(List.of(topic)));
    }

    private static void alone(Session session) throws IOException {
        Member member = member(session, "static-alone", "one");
        member.id = "nobody";
        member.join("unknown instance with a member id, unknown group");
        member.id = "";
        member.join("new");
        Member stranger = member(session, "static-alone", "two");
        stranger.id = member.id;
        stranger.generation = member.generation;
        stranger.heartbeat("another's member id");
        stranger.sync("another's member id");
        commit(stranger, "another's member id");
        stranger.leave("another's member id");
        stranger.join("another's member id");
        stranger = member(session, "static-alone", "one");
        stranger.id = "nobody";
        stranger.join("known instance, unknown member id");
        stranger.heartbeat("known instance, unknown member id");
        stranger.leave("known instance, unknown member id");
        stranger = member(session, "static-alone", null);
        stranger.id = member.id;
        stranger.generation = member.generation;
        stranger.heartbeat("its member id without instance");
        commit(stranger, "its member id without instance");
        member.sync("new", member, "all");
        commit(member, "stable");
        commit(stranger, "its member id without instance, stable");
        stranger.id = "";
        stranger.instance = "one";
        stranger.heartbeat("known instance, empty member id");
        commit(stranger, "known instance, empty member id");
        Member changed = again(member).withProtocols("consumer", "range", "changed");
        changed.join("started again with other metadata");
        changed.sync("started again with other metadata", changed, "all");
        changed = again(changed).withProtocols("consumer", "robin", "changed");
        changed.join("started again with another protocol");
        changed.sync("started again with another protocol", changed, "all");
        changed = again(changed).withProtocols("connect", "robin", "changed");
        changed.join("started again with another type");
        changed = again(changed).withProtocols("consumer", "robin", "changed").withTimeouts(30_000, 40_000);
        changed.join("started again with other time-outs");
        changed.heartbeat("started again with other time-outs");
        changed.join("with its member id");
        changed.sync("with its member id", changed, "all");
        changed.withInstance(null).leave("its member id without instance");
        changed.join("after it left");
    }

    private static void two(Session session) throws IOException {
        Member leader = member(session, "static-two", "l"), follower = member(session, "static-two", "f");
        leader.withProtocols("consumer", "range", "r", "robin", "b");
        follower.withProtocols("consumer", "range", "r", "robin", "b");
        Groups.stable(session, leader, follower);
        Member fresh = again(follower).withProtocols("consumer", "range", "changed", "robin", "b");
        fresh.join("follower started again with other metadata");
        follower = fresh;
        fresh = again(follower).withProtocols("consumer", "robin", "changed");
        Member.Joining joining = fresh.joining("follower started again with another protocol");
        Groups.await(session, "static-two", "PreparingRebalance", 2);
        follower.heartbeat("fenced in a rebalance");
        Member.Joining other = leader.joining("leader comes");
        joining.answer();
        other.answer();
        leader.sync("new round", leader, "l2", fresh, "f2");
        fresh.sync("new round");
        fresh.leave("follower leaves");
        leader.join("leader alone");
        leader.sync("leader alone", leader, "all");
        leader.leave("over");
    }

    /** Started again while the others are between two generations. */
    private static void inRounds(Session session) throws IOException {
        Member leader = member(session, "static-rounds", "l"), follower = member(session, "static-rounds", "f");
        Groups.stable(session, leader, follower);
        Member.Joining waits = leader.joining("leader begins a round");
        Groups.await(session, "static-rounds", "PreparingRebalance", 2);
        Member freshLeader = again(leader);
        Member.Joining waitsAgain = freshLeader.joining("leader started again in a round");
        waits.answer();
        Member.Joining joining = follower.joining("follower comes");
        joining.answer();
        waitsAgain.answer();
        Member freshFollower = again(follower);
        Session.Asked waiting = follower.syncing("follower waits for assignments");
        joining = freshFollower.joining("follower started again while assignments are awaited");
        waiting.answer();
        follower.heartbeat("fenced while assignments are awaited");
        waits = freshLeader.joining("leader after the follower's start");
        joining.answer();
        waits.answer();
        freshLeader.sync("assignments", freshLeader, "l3", freshFollower, "f3");
        freshFollower.sync("assignment");
        freshLeader.leave("over");
        freshFollower.leave("over");
        Member comesBack = again(freshLeader);
        comesBack.join("to an empty group");
        comesBack.leave("over");
    }

    private static void leaves(Session session) throws IOException {
        Member a = member(session, "static-leaves", "a"), b = member(session, "static-leaves", "b"), c = member(session, "static-leaves", "c");
        Groups.stable(session, a, b, c);
        leave(session, "unknown instance", identity("", "x"));
        leave(session, "instance with a wrong member id", identity("nobody", "a"));
        leave(session, "instance of one, member id of another", identity(a.id, "b"));
        leave(session, "one right, others wrong", identity("", "b"), identity("", "b"), identity("nobody", null), identity("", "x"));
        a.heartbeat("after b was taken out");
        b.heartbeat("taken out");
        leave(session, "member id without instance", identity(c.id, null));
        leave(session, "instance and member id", identity(a.id, "a"));
        leave(session, "instance of an empty group", identity("", "a"));
        session.ask("instance of an unknown group", ApiKeys.LEAVE_GROUP, new LeaveGroupRequestData().setGroupId("static-unknown")
            .setMembers(List.of(identity("", "a"))));
    }

    private static MemberIdentity identity(String member, String instance) {
        return new MemberIdentity().setMemberId(member).setGroupInstanceId(instance);
    }

    private static void leave(Session session, String name, MemberIdentity... identities) throws IOException {
        session.ask(name, ApiKeys.LEAVE_GROUP, new LeaveGroupRequestData().setGroupId("static-leaves").setMembers(List.of(identities)));
    }

    private static void odd(Session session) throws IOException {
        for (String instance : new String[] {"", " ", ".", "..", "a b", "ü", "x".repeat(250), "a:b"}) {
            Member member = member(session, "static-odd-" + instance.hashCode(), instance);
            member.join("instance '" + (instance.length() > 9 ? "250 × x" : instance) + "'");
            member.leave("odd instance");
        }
        Member member = member(session, "static-unknown-2", "a");
        member.heartbeat("unknown group");
        member.sync("unknown group");
        commit(member, "unknown group, no generation");
        member.generation = 3;
        commit(member, "unknown group, generation 3");
    }
}
