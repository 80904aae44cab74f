package moldau.interop.cases;

import java.io.IOException;
import java.util.List;
import moldau.interop.Groups;
import moldau.interop.Member;
import moldau.interop.Session;
import org.apache.kafka.common.message.LeaveGroupRequestData;
import org.apache.kafka.common.message.LeaveGroupRequestData.MemberIdentity;
import org.apache.kafka.common.message.SyncGroupRequestData;
import org.apache.kafka.common.protocol.ApiKeys;

/** What members of a group are told in each state of its rounds. */
public final class RoundCases {
    private RoundCases() {}

    public static void run(Session session) throws IOException {
        Groups.awaitCoordinators(session);
        states(session);
        syncs(session);
        rejoins(session);
        leaves(session);
        timeouts(session);
        oldVersions(session);
    }

    private static Member member(Session session, String group) {
        return new Member(session, group);
    }

    private static void states(Session session) throws IOException {
        Member first = member(session, "states"), second = member(session, "states");
        first.join("first");
        first.heartbeat("while assignments are awaited");
        first.sync("first", first, "all");
        strangers(session, first, "stable");
        Member.Joining joining = second.joining("second");
        Groups.await(session, "states", "PreparingRebalance", 2);
        first.heartbeat("in a rebalance");
        first.heartbeat("in a rebalance, version 0", 0);
        first.sync("in a rebalance", first, "all");
        strangers(session, first, "in a rebalance");
        Member.Joining again = first.joining("first again");
        joining.answer();
        again.answer();
        strangers(session, first, "while assignments are awaited");
        second.heartbeat("second, while assignments are awaited");
        second.generation--;
        second.heartbeat("second, of the last generation");
        second.sync("second, of the last generation");
        second.generation++;
        Session.Asked waiting = second.syncing("second waits for assignments");
        first.sync("assignments", first, "one", second, "two", "nobody", "three");
        waiting.answer();
        second.sync("second, later");
        first.heartbeat("both stable");
        second.leave("second leaves");
        first.heartbeat("after a leave");
        first.join("alone again");
        first.sync("nothing assigned");
        first.leave("first leaves");
        strangers(session, first, "empty");
    }

    /** Questions that do not fit the group's members or generation. */
    private static void strangers(Session session, Member of, String state) throws IOException {
        Member stranger = member(session, of.group);
        stranger.id = "nobody";
        stranger.generation = of.generation;
        stranger.heartbeat("unknown member, " + state);
        stranger.sync("unknown member, " + state);
        stranger.leave("unknown member, " + state);
        stranger.join("unknown member, " + state);
        stranger.id = of.id;
        for (int generation : new int[] {of.generation - 1, of.generation + 1, 0, -1, Integer.MIN_VALUE}) {
            stranger.generation = generation;
            stranger.heartbeat("generation " + generation + ", " + state);
            stranger.sync("generation " + generation + ", " + state);
        }
        stranger.id = "";
        stranger.generation = of.generation;
        stranger.heartbeat("empty member id, " + state);
        stranger.sync("empty member id, " + state);
        stranger.leave("empty member id, " + state);
        stranger.generation = -1;
        stranger.heartbeat("neither member nor generation, " + state);
        stranger.sync("neither member nor generation, " + state);
    }

    private static void syncs(Session session) throws IOException {
        Member leader = member(session, "syncs"), follower = member(session, "syncs");
        leader.join("first");
        Member.Joining joining = follower.joining("follower");
        Groups.await(session, "syncs", "PreparingRebalance", 2);
        Member.Joining again = leader.joining("leader");
        joining.answer();
        again.answer();
        for (String state : new String[] {"assignments awaited", "stable"}) {
            ask(session, "other protocol type, " + state, follower.syncRequest(5).setProtocolType("connect"));
            ask(session, "other protocol name, " + state, follower.syncRequest(5).setProtocolName("robin"));
            ask(session, "empty protocol, " + state, follower.syncRequest(5).setProtocolType("").setProtocolName(""));
            ask(session, "no protocol type, " + state, follower.syncRequest(5).setProtocolType(null));
            ask(session, "no protocol name, " + state, follower.syncRequest(5).setProtocolName(null));
            ask(session, "other type and generation, " + state, follower.syncRequest(5).setProtocolType("connect").setGenerationId(9));
            ask(session, "other type, unknown member, " + state, follower.syncRequest(5).setProtocolType("connect").setMemberId("nobody"));
            if (state.equals("stable")) break;
            Session.Asked waiting = session.askAside("follower brings assignments", ApiKeys.SYNC_GROUP, 5,
                follower.syncRequest(5, follower, "mine", leader, "yours"));
            leader.sync("the same member twice", leader, "old", leader, "new");
            waiting.answer();
        }
        leader.sync("stable, leader with other assignments", leader, "x", follower, "y");
        for (short version : ApiKeys.SYNC_GROUP.allVersions()) follower.syncAt("stable, every version", version);
        follower.leave("syncs");
        leader.leave("syncs");
    }

    private static void ask(Session session, String name, SyncGroupRequestData request) throws IOException {
        session.ask(name, ApiKeys.SYNC_GROUP, request);
    }

    private static void rejoins(Session session) throws IOException {
        Member leader = member(session, "rejoins"), follower = member(session, "rejoins");
        Groups.stable(session, leader, follower);
        follower.join("follower, nothing new");
        for (short version : ApiKeys.JOIN_GROUP.allVersions()) follower.join("follower, nothing new", version);
        follower.withProtocols("consumer", "range", "changed");
        Member.Joining joining = follower.joining("follower, other metadata");
        Groups.await(session, "rejoins", "PreparingRebalance", 2);
        Member.Joining again = leader.joining("leader comes, too");
        joining.answer();
        again.answer();
        follower.join("follower, nothing new, assignments awaited");
        leader.join("leader, nothing new, assignments awaited");
        Session.Asked waiting = follower.syncing("follower waits for assignments");
        leader.withProtocols("consumer", "range", "changed too");
        again = leader.joining("leader, other metadata, assignments awaited");
        waiting.answer();
        joining = follower.joining("follower, in a rebalance");
        joining.answer();
        again.answer();
        leader.sync("assignments", leader, "l", follower, "f");
        follower.sync("assignment");
        again = leader.joining("leader, nothing new, stable");
        Groups.await(session, "rejoins", "PreparingRebalance", 2);
        follower.leave("follower leaves in a rebalance");
        again.answer();
        leader.leave("leader leaves, assignments awaited");
    }

    private static void leaves(Session session) throws IOException {
        for (short version : ApiKeys.LEAVE_GROUP.allVersions()) {
            Member first = member(session, "leaves-" + version), second = member(session, "leaves-" + version);
            Groups.stable(session, first, second);
            second.leave("of two", version);
            first.heartbeat("after the other left");
            second.leave("twice", version);
            first.leave("in a rebalance", version);
        }
        Member first = member(session, "leaves"), second = member(session, "leaves"), third = member(session, "leaves");
        Groups.stable(session, first, second, third);
        leave(session, "nobody listed", "leaves");
        leave(session, "two unknown", "leaves", "nobody", "");
        leave(session, "one known, one unknown", "leaves", second.id, "nobody");
        leave(session, "one twice", "leaves", third.id, third.id, "nobody");
        first.heartbeat("the last one");
        leave(session, "all", "leaves", first.id);
        leave(session, "of an empty group", "leaves", first.id);
        leave(session, "nobody listed, unknown group", "leaves-unknown");
        leave(session, "two of an unknown group", "leaves-unknown", "a", "b");
        first = member(session, "leaves-joining");
        second = member(session, "leaves-joining");
        Groups.stable(session, first, second);
        Member.Joining joining = first.joining("joining");
        Groups.await(session, "leaves-joining", "PreparingRebalance", 2);
        leave(session, "while it waits for others", "leaves-joining", first.id);
        joining.answer();
        second.join("the other joins");
        third = member(session, "leaves-joining");
        joining = third.joining("a third");
        Groups.await(session, "leaves-joining", "PreparingRebalance", 2);
        Member.Joining again = second.joining("the second again");
        joining.answer();
        again.answer();
        leave(session, "while assignments are awaited", "leaves-joining", third.id);
        second.join("alone");
        second.leave("over");
    }

    private static void leave(Session session, String name, String group, String... ids) throws IOException {
        session.ask(name, ApiKeys.LEAVE_GROUP, new LeaveGroupRequestData().setGroupId(group)
            .setMembers(List.of(ids).stream().map(id -> new MemberIdentity().setMemberId(id)).toList()));
    }

    private static void timeouts(Session session) throws IOException {
        Member brief = member(session, "timeouts-session").withTimeouts(300, 600_000);
        brief.join("brief session");
        brief.sync("brief session", brief, "all");
        Groups.await(session, "timeouts-session", "Empty", 0);
        brief.heartbeat("the session is over");
        brief.sync("the session is over");
        brief.join("the session is over");

        Member leader = member(session, "timeouts-join").withTimeouts(600_000, 1500);
        Member absent = member(session, "timeouts-join").withTimeouts(600_000, 1500);
        Groups.stable(session, leader, absent);
        leader.join("the other does not come in time");
        absent.heartbeat("it did not come in time");
        leader.sync("alone", leader, "all");
        leader.leave("over");

        leader = member(session, "timeouts-sync").withTimeouts(600_000, 1500);
        leader.join("brings no assignments");
        Groups.await(session, "timeouts-sync", "Empty", 0);
        leader.sync("too late", leader, "all");
        leader.join("too late");
    }

    /** Groups of two whose members speak the oldest versions. */
    private static void oldVersions(Session session) throws IOException {
        for (int version : new int[] {0, 1, 2, 3}) {
            Member leader = member(session, "old-" + version), follower = member(session, "old-" + version);
            leader.join("old", version);
            leader.syncAt("old", Math.min(version, 3), leader, "all");
            Member.Joining joining = follower.joining("old follower", version);
            Groups.await(session, "old-" + version, "PreparingRebalance", 2);
            Member.Joining again = leader.joining("old leader", version);
            joining.answer();
            again.answer();
            leader.syncAt("old, two", version, leader, "l", follower, "f");
            follower.syncAt("old, two", version);
            follower.leave("old", Math.min(version, 2));
            leader.leave("old", Math.min(version, 2));
        }
    }
}
