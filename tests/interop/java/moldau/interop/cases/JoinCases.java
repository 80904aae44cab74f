package moldau.interop.cases;

import java.io.IOException;
import java.util.function.Consumer;
import moldau.interop.Groups;
import moldau.interop.Member;
import moldau.interop.Session;
import org.apache.kafka.common.message.JoinGroupRequestData;
import org.apache.kafka.common.message.JoinGroupRequestData.JoinGroupRequestProtocol;
import org.apache.kafka.common.message.JoinGroupResponseData;
import org.apache.kafka.common.protocol.ApiKeys;

/** Members' lives at every version, and every way in which one is not let in. */
public final class JoinCases {
    /** group.max.size of the brokers that are compared. */
    private static final int MAX_SIZE = 3;

    private JoinCases() {}

    public static void run(Session session) throws IOException {
        Groups.awaitCoordinators(session);
        for (short version : ApiKeys.JOIN_GROUP.allVersions()) life(session, version);
        for (short version : ApiKeys.JOIN_GROUP.allVersions()) refused(session, version);
        refused(session);
        protocols(session);
        ids(session);
        full(session);
    }

    private static void life(Session session, int version) throws IOException {
        Member member = new Member(session, "life-" + version);
        int sync = Math.min(version, ApiKeys.SYNC_GROUP.latestVersion(false));
        int heartbeat = Math.min(version, ApiKeys.HEARTBEAT.latestVersion(false));
        int leave = Math.min(version, ApiKeys.LEAVE_GROUP.latestVersion(false));
        member.join("life", version);
        member.syncAt("life", sync, member, "all");
        member.syncAt("life, again", sync, member, "other");
        member.heartbeat("life", heartbeat);
        member.leave("life", leave);
        member.heartbeat("life, gone", heartbeat);
        member.syncAt("life, gone", sync, member, "all");
        member.leave("life, gone", leave);
        member.join("life, gone", version);
    }

    /** Each version refuses in its own form. */
    private static void refused(Session session, int version) throws IOException {
        Member member = new Member(session, "");
        member.join("empty group id", version);
        member.syncAt("empty group id", Math.min(version, ApiKeys.SYNC_GROUP.latestVersion(false)));
        member.heartbeat("empty group id", Math.min(version, ApiKeys.HEARTBEAT.latestVersion(false)));
        member.leave("empty group id", Math.min(version, ApiKeys.LEAVE_GROUP.latestVersion(false)));
        member = new Member(session, "join-unknown");
        member.id = "nobody";
        member.join("unknown member of an unknown group", version);
        member.syncAt("unknown group", Math.min(version, ApiKeys.SYNC_GROUP.latestVersion(false)));
        member.heartbeat("unknown group", Math.min(version, ApiKeys.HEARTBEAT.latestVersion(false)));
        member.leave("unknown group", Math.min(version, ApiKeys.LEAVE_GROUP.latestVersion(false)));
    }

    private static void refused(Session session) throws IOException {
        for (int sessionMs : new int[] {0, -1, 1, 99, 100, 1_800_000, 1_800_001, Integer.MAX_VALUE})
            new Member(session, "join-session-" + sessionMs).withTimeouts(sessionMs, 600_000).joining("session of " + sessionMs + " ms").answer();
        Groups.await(session, "join-session-100", "Empty", 0);
        new Member(session, "join-none").withProtocols("consumer").join("no protocols");
        new Member(session, "join-none").withProtocols("").join("neither protocols nor type");
        new Member(session, "join-none").withProtocols("", "range", "x").join("no type");
        raw(session, "member id of an unknown group, no protocols", request -> request.setMemberId("nobody").setProtocolType("")
            .setProtocols(new JoinGroupRequestData.JoinGroupRequestProtocolCollection()));
        raw(session, "empty group id and bad session", request -> request.setGroupId("").setSessionTimeoutMs(0));
        raw(session, "bad session and unknown id", request -> request.setMemberId("nobody").setSessionTimeoutMs(0));
        raw(session, "long reason", request -> request.setReason("because ".repeat(100)));
        raw(session, "empty reason", request -> request.setReason(""));
        raw(session, "blank group id", request -> request.setGroupId(" "));
        raw(session, "odd group id", request -> request.setGroupId("a/b:ü\u0000"));
        raw(session, "long group id", request -> request.setGroupId("g".repeat(1000)));
        raw(session, "empty protocol name", request -> request.protocols().mustAdd(
            new JoinGroupRequestProtocol().setName("").setMetadata(new byte[0])));
        JoinGroupRequestData twice = new Member(session, "join-twice").joinRequest();
        twice.protocols().mustAdd(new JoinGroupRequestProtocol().setName("range").setMetadata("second".getBytes()));
        session.ask("same protocol twice", ApiKeys.JOIN_GROUP, twice);
        raw(session, "rebalance time-out -1", request -> request.setRebalanceTimeoutMs(-1));
        Groups.await(session, group("rebalance time-out -1"), "Empty", 0);
    }

    private static void raw(Session session, String name, Consumer<JoinGroupRequestData> change) throws IOException {
        JoinGroupRequestData request = new Member(session, group(name)).joinRequest();
        change.accept(request);
        session.ask(name, ApiKeys.JOIN_GROUP, request);
        if (request.memberId().isEmpty()) session.ask(name + ", before ids", ApiKeys.JOIN_GROUP, 3, request);
    }

    private static String group(String name) {
        return "join-" + name.replaceAll("[^a-z0-9]+", "-");
    }

    private static void protocols(Session session) throws IOException {
        Member first = new Member(session, "protocols").withProtocols("consumer", "range", "r1", "robin", "b1");
        first.join("two protocols");
        first.sync("two protocols", first, "all");
        new Member(session, "protocols").withProtocols("connect", "range", "r2").join("other type");
        new Member(session, "protocols").withProtocols("connect", "range", "r2").join("other type, before ids", 3);
        new Member(session, "protocols").withProtocols("consumer", "sticky", "s2").join("no common protocol");
        new Member(session, "protocols").withProtocols("consumer", "sticky", "s2").join("no common protocol, before ids", 3);
        new Member(session, "protocols").withProtocols("consumer").join("no protocols for a group that has");
        Member second = new Member(session, "protocols").withProtocols("consumer", "sticky", "s2", "robin", "b2");
        Member.Joining joining = second.joining("one common protocol");
        Groups.await(session, "protocols", "PreparingRebalance", 2);
        Member.Joining again = first.joining("one common protocol: the first again");
        joining.answer();
        again.answer();
        first.sync("one common protocol", first, "f", second, "s");
        second.sync("one common protocol");
        first.withProtocols("consumer", "sticky", "s1").joining("the first has no protocol of the second").answer();
        first.leave("protocols");
        second.leave("protocols");
        // Nobody's protocols bind an empty group, whose type stays until the next generation.
        Member other = new Member(session, "protocols").withProtocols("connect", "eager", "e");
        other.join("other type once empty");
        other.sync("other type once empty", other, "all");
        other.heartbeat("other type once empty");
        other.leave("other type once empty");
    }

    private static void ids(Session session) throws IOException {
        Member member = new Member(session, "ids");
        JoinGroupRequestData first = member.joinRequest();
        session.ask("an id is required", ApiKeys.JOIN_GROUP, first);
        session.ask("another id is required", ApiKeys.JOIN_GROUP, first);
        session.ask("an id is required, version 4", ApiKeys.JOIN_GROUP, 4, first);
        member.join("with an id");
        Member pending = new Member(session, "ids");
        session.ask("an id of a group with members", ApiKeys.JOIN_GROUP, pending.joinRequest());
        pending = new Member(session, "ids-pending");
        session.ask("pending", ApiKeys.JOIN_GROUP, pending.joinRequest());
        pending.id = "not the one that was given";
        pending.join("not the id that was given");
        Member stranger = new Member(session, "ids-pending");
        stranger.id = member.id;
        stranger.join("the id of another group's member");
        member.leave("ids");
        pendingMember(session);
    }

    /** Who was given an id and has not come with it yet. */
    private static void pendingMember(Session session) throws IOException {
        for (String how : new String[] {"heartbeat", "sync", "leave", "leave before lists"}) {
            Member member = new Member(session, "pending-" + how.replace(' ', '-'));
            JoinGroupResponseData told = session.ask("pending, " + how, ApiKeys.JOIN_GROUP, member.joinRequest());
            member.id = told.memberId();
            member.generation = 0;
            if (how.equals("heartbeat")) member.heartbeat("pending");
            if (how.equals("sync")) member.sync("pending");
            if (how.equals("leave")) member.leave("pending");
            if (how.equals("leave before lists")) member.leave("pending", 2);
            member.join("pending, after " + how);
        }
    }

    private static void full(Session session) throws IOException {
        Member[] members = new Member[MAX_SIZE];
        for (int i = 0; i < MAX_SIZE; i++) members[i] = new Member(session, "full");
        Groups.stable(session, members);
        new Member(session, "full").join("a full group");
        new Member(session, "full").join("a full group, before ids", 3);
        new Member(session, "full").withInstance("fourth").join("a full group, static");
        members[1].leave("full");
        Member newcomer = new Member(session, "full");
        Member.Joining joining = newcomer.joining("room again");
        Member.Joining other = members[2].joining("room again: the third");
        Groups.await(session, "full", "PreparingRebalance", 3);
        Member.Joining leader = members[0].joining("room again: leader");
        joining.answer();
        other.answer();
        leader.answer();
        for (int i = 0; i <= MAX_SIZE; i++) session.ask("ids given, " + i + " before", ApiKeys.JOIN_GROUP, new Member(session, "full-pending").joinRequest());
    }
}
