package moldau.interop;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.clients.consumer.internals.ConsumerProtocol;
import org.apache.kafka.common.message.HeartbeatRequestData;
import org.apache.kafka.common.message.JoinGroupRequestData;
import org.apache.kafka.common.message.JoinGroupRequestData.JoinGroupRequestProtocol;
import org.apache.kafka.common.message.JoinGroupResponseData;
import org.apache.kafka.common.message.LeaveGroupRequestData;
import org.apache.kafka.common.message.LeaveGroupRequestData.MemberIdentity;
import org.apache.kafka.common.message.SyncGroupRequestData;
import org.apache.kafka.common.message.SyncGroupRequestData.SyncGroupRequestAssignment;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;

/** A member of a group in the classic protocol: what it would send next, by what it was told. All may be set otherwise. */
public final class Member {
    public static final int FIRST_SYNC_WITH_PROTOCOL = 5;
    private static final int FIRST_LEAVE_WITH_MEMBERS = 3;

    public final Session session;
    public final String group;
    public String id = "";
    public String instance = null;
    public int generation = -1;
    /** Nobody is to be missed while the cases run. */
    public int sessionTimeoutMs = 600_000;
    public int rebalanceTimeoutMs = 600_000;
    public String protocolType = "consumer";
    /** Name to metadata, by preference. */
    public Map<String, byte[]> protocols = new LinkedHashMap<>(Map.of("range", subscription("first")));
    public String chosen = "range";

    public Member(Session session, String group) {
        this.session = session;
        this.group = group;
    }

    public Member withInstance(String name) {
        instance = name;
        return this;
    }

    public Member withProtocols(String type, String... namesAndMetadata) {
        protocolType = type;
        protocols = new LinkedHashMap<>();
        for (int i = 0; i < namesAndMetadata.length; i += 2)
            protocols.put(namesAndMetadata[i], type.equals("consumer") ? subscription(namesAndMetadata[i + 1]) : namesAndMetadata[i + 1].getBytes());
        return this;
    }

    /** What a consumer says of itself: the topics that it wants, and what else its assignor is to know. */
    public static byte[] subscription(String more, String... topics) {
        ByteBuffer encoded = ConsumerProtocol.serializeSubscription(new Subscription(List.of(topics), ByteBuffer.wrap(more.getBytes())));
        byte[] bytes = new byte[encoded.remaining()];
        encoded.get(bytes);
        return bytes;
    }

    public Member withTimeouts(int sessionMs, int rebalanceMs) {
        sessionTimeoutMs = sessionMs;
        rebalanceTimeoutMs = rebalanceMs;
        return this;
    }

    public JoinGroupRequestData joinRequest() {
        JoinGroupRequestData request = new JoinGroupRequestData().setGroupId(group).setMemberId(id).setGroupInstanceId(instance)
            .setSessionTimeoutMs(sessionTimeoutMs).setRebalanceTimeoutMs(rebalanceTimeoutMs).setProtocolType(protocolType);
        protocols.forEach((name, metadata) ->
            request.protocols().mustAdd(new JoinGroupRequestProtocol().setName(name).setMetadata(metadata)));
        return request;
    }

    public JoinGroupResponseData join(String name) throws IOException {
        return join(name, ApiKeys.JOIN_GROUP.latestVersion(false));
    }

    /** Asks again where an id is required. */
    public JoinGroupResponseData join(String name, int version) throws IOException {
        JoinGroupResponseData told = learn(session.ask(name, ApiKeys.JOIN_GROUP, version, joinRequest()));
        if (told == null || told.errorCode() != Errors.MEMBER_ID_REQUIRED.code()) return told;
        return learn(session.ask(name + ", with its id", ApiKeys.JOIN_GROUP, version, joinRequest()));
    }

    public Joining joining(String name) throws IOException {
        return joining(name, ApiKeys.JOIN_GROUP.latestVersion(false));
    }

    /** Joins without waiting for the round's end; who is required to have an id gets it first. */
    public Joining joining(String name, int version) throws IOException {
        if (version >= 4 && id.isEmpty() && instance == null)
            learn(session.ask(name + ": an id", ApiKeys.JOIN_GROUP, version, joinRequest()));
        return new Joining(session.askAside(name, ApiKeys.JOIN_GROUP, version, joinRequest()));
    }

    public final class Joining {
        private final Session.Asked asked;

        private Joining(Session.Asked asked) {
            this.asked = asked;
        }

        public JoinGroupResponseData answer() throws IOException {
            return learn(asked.answer());
        }
    }

    private JoinGroupResponseData learn(Object answer) {
        JoinGroupResponseData told = (JoinGroupResponseData) answer;
        if (told == null) return null;
        if (told.errorCode() == Errors.NONE.code() || told.errorCode() == Errors.MEMBER_ID_REQUIRED.code()) id = told.memberId();
        if (told.errorCode() == Errors.NONE.code()) {
            generation = told.generationId();
            chosen = told.protocolName();
        }
        return told;
    }

    /** Assignments: a member, what it gets, and so on. */
    public SyncGroupRequestData syncRequest(int version, Object... assignments) {
        SyncGroupRequestData request = new SyncGroupRequestData().setGroupId(group).setMemberId(id).setGenerationId(generation)
            .setGroupInstanceId(instance);
        if (version >= FIRST_SYNC_WITH_PROTOCOL) request.setProtocolType(protocolType).setProtocolName(chosen);
        List<SyncGroupRequestAssignment> all = new ArrayList<>();
        for (int i = 0; i < assignments.length; i += 2)
            all.add(new SyncGroupRequestAssignment().setMemberId(assignments[i] instanceof Member to ? to.id : (String) assignments[i])
                .setAssignment(((String) assignments[i + 1]).getBytes()));
        return request.setAssignments(all);
    }

    public void sync(String name, Object... assignments) throws IOException {
        syncAt(name, ApiKeys.SYNC_GROUP.latestVersion(false), assignments);
    }

    public void syncAt(String name, int version, Object... assignments) throws IOException {
        session.ask(name, ApiKeys.SYNC_GROUP, version, syncRequest(version, assignments));
    }

    public Session.Asked syncing(String name, Object... assignments) throws IOException {
        int version = ApiKeys.SYNC_GROUP.latestVersion(false);
        return session.askAside(name, ApiKeys.SYNC_GROUP, version, syncRequest(version, assignments));
    }

    public void heartbeat(String name) throws IOException {
        heartbeat(name, ApiKeys.HEARTBEAT.latestVersion(false));
    }

    public void heartbeat(String name, int version) throws IOException {
        session.ask(name, ApiKeys.HEARTBEAT, version, new HeartbeatRequestData().setGroupId(group).setMemberId(id)
            .setGenerationId(generation).setGroupInstanceId(instance));
    }

    public void leave(String name) throws IOException {
        leave(name, ApiKeys.LEAVE_GROUP.latestVersion(false));
    }

    public void leave(String name, int version) throws IOException {
        LeaveGroupRequestData request = new LeaveGroupRequestData().setGroupId(group);
        if (version < FIRST_LEAVE_WITH_MEMBERS) request.setMemberId(id);
        else request.setMembers(List.of(new MemberIdentity().setMemberId(id).setGroupInstanceId(instance).setReason("the case is over")));
        session.ask(name, ApiKeys.LEAVE_GROUP, version, request);
    }
}
