package moldau.interop.cases;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import moldau.interop.Groups;
import moldau.interop.Member;
import moldau.interop.Session;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.OffsetCommitRequestData;
import org.apache.kafka.common.message.OffsetCommitRequestData.OffsetCommitRequestPartition;
import org.apache.kafka.common.message.OffsetCommitRequestData.OffsetCommitRequestTopic;
import org.apache.kafka.common.protocol.ApiKeys;

/** Offsets committed by members and by others, and every way in which that is refused. */
public final class OffsetCases {
    static final String TOPIC = "offsets-topic";
    private static final int LAST_BY_NAME = 9;
    private static final int FIRST_WITH_INSTANCES = 7;

    private OffsetCases() {}

    public static void run(Session session) throws IOException {
        Groups.awaitCoordinators(session);
        Uuid id = session.createTopic(TOPIC, 3, Map.of());
        session.createTopic("offsets-other", 1, Map.of());
        for (short version : ApiKeys.OFFSET_COMMIT.allVersions()) {
            commitAlone(session, version, id);
            commitAsMember(session, version, id);
        }
        retention(session);
        partitions(session, id);
        members(session);
        OffsetFetchCases.run(session, id);
        OffsetDeleteCases.run(session);
    }

    /** Simple consumers and administrators: no member, no generation. */
    private static void commitAlone(Session session, int version, Uuid id) throws IOException {
        String group = "alone-" + version;
        commit(session, "alone", version, request(group, -1, "", topic(id, partition(0, 10, "m"), partition(2, 12, null))));
        commit(session, "alone, again", version, request(group, -1, "", topic(id, partition(0, 11, ""))));
        commit(session, "alone, back", version, request(group, -1, "", topic(id, partition(0, 1, "back").setCommittedLeaderEpoch(version >= 6 ? 4 : -1))));
        commit(session, "alone, with a member id", version, request(group, -1, "somebody", topic(id, partition(0, 20, ""))));
        commit(session, "alone, generation 0", version, request(group, 0, "", topic(id, partition(0, 21, ""))));
        commit(session, "alone, generation -2", version, request(group, -2, "", topic(id, partition(0, 22, ""))));
        commit(session, "alone, generation 1 of a member", version, request(group, 1, "somebody", topic(id, partition(0, 23, ""))));
        commit(session, "unknown group, generation 0", version, request(group + "-unknown", 0, "", topic(id, partition(0, 24, ""))));
        commit(session, "unknown group, generation 1 of a member", version, request(group + "-unknown", 1, "somebody", topic(id, partition(0, 25, ""))));
        commit(session, "unknown group, a member id alone", version, request(group + "-new", -1, "somebody", topic(id, partition(0, 26, ""))));
        commit(session, "empty group id", version, request("", -1, "", topic(id, partition(0, 27, ""))));
        commit(session, "empty group id, generation 1", version, request("", 1, "", topic(id, partition(0, 28, ""))));
        if (version >= FIRST_WITH_INSTANCES)
            commit(session, "alone, with an instance", version, request(group, -1, "", topic(id, partition(0, 29, ""))).setGroupInstanceId("i"));
    }

    private static void commitAsMember(Session session, int version, Uuid id) throws IOException {
        Member member = new Member(session, "member-" + version);
        member.join("setup");
        commit(session, "assignments awaited", version, request(member.group, member.generation, member.id, topic(id, partition(1, 30, ""))));
        commit(session, "assignments awaited, generation before", version, request(member.group, 0, member.id, topic(id, partition(1, 31, ""))));
        member.sync("setup", member, "all");
        commit(session, "stable", version, request(member.group, member.generation, member.id, topic(id, partition(1, 32, ""))));
        commit(session, "stable, generation before", version, request(member.group, 0, member.id, topic(id, partition(1, 33, ""))));
        commit(session, "stable, generation after", version, request(member.group, 2, member.id, topic(id, partition(1, 34, ""))));
        commit(session, "stable, no generation", version, request(member.group, -1, member.id, topic(id, partition(1, 35, ""))));
        commit(session, "stable, no member", version, request(member.group, -1, "", topic(id, partition(1, 36, ""))));
        commit(session, "stable, no member but a generation", version, request(member.group, 1, "", topic(id, partition(1, 37, ""))));
        commit(session, "stable, unknown member", version, request(member.group, 1, "nobody", topic(id, partition(1, 38, ""))));
        if (version >= FIRST_WITH_INSTANCES) {
            commit(session, "stable, unknown instance", version, request(member.group, 1, member.id, topic(id, partition(1, 39, "")))
                .setGroupInstanceId("i"));
            commit(session, "stable, unknown instance alone", version, request(member.group, -1, "", topic(id, partition(1, 39, "")))
                .setGroupInstanceId("i"));
        }
        member.leave("setup");
        commit(session, "empty, once a member", version, request(member.group, 1, member.id, topic(id, partition(1, 40, ""))));
        commit(session, "empty, no generation", version, request(member.group, -1, "", topic(id, partition(1, 41, ""))));
    }

    private static void retention(Session session) throws IOException {
        for (int version = 2; version <= 4; version++) {
            for (long retention : new long[] {-1, 0, 1, 86_400_000, Long.MAX_VALUE, -2})
                commit(session, "retention " + retention, version, request("retention-" + version + "-" + retention, -1, "",
                    topic(Uuid.ZERO_UUID, partition(0, 7, ""))).setRetentionTimeMs(retention));
        }
        OffsetFetchCases.fetch(session, "retention of 1 ms", 9, OffsetFetchCases.group("retention-2-1", OffsetFetchCases.topic(Uuid.ZERO_UUID, 0)));
    }

    private static void partitions(Session session, Uuid id) throws IOException {
        String group = "partitions";
        int byName = LAST_BY_NAME, byId = byName + 1;
        for (int version : new int[] {2, byName, byId}) {
            commit(session, "no topics", version, request(group, -1, ""));
            commit(session, "no topics, unknown group", version, request(group + "-none", -1, ""));
            commit(session, "no topics, unknown group and generation", version, request(group + "-none", 4, "nobody"));
            commit(session, "no topics, empty group id", version, request("", -1, ""));
            commit(session, "no partitions", version, request(group, -1, "", topic(id)));
            commit(session, "no partitions, unknown group and generation", version, request(group + "-none", 4, "nobody", topic(id)));
            commit(session, "unknown partitions", version, request(group, -1, "", topic(id, partition(3, 1, ""), partition(-1, 1, ""),
                partition(0, 1, ""), partition(Integer.MAX_VALUE, 1, ""))));
            commit(session, "unknown partitions alone", version, request(group, -1, "", topic(id, partition(3, 1, ""))));
            commit(session, "unknown partitions, unknown member", version, request(group, 3, "nobody", topic(id, partition(3, 1, ""), partition(0, 1, ""))));
            commit(session, "same partition twice", version, request(group, -1, "", topic(id, partition(1, 1, "a"), partition(1, 2, "b"))));
            commit(session, "same topic twice", version, request(group, -1, "", topic(id, partition(1, 3, "a")), topic(id, partition(1, 4, "b"), partition(2, 4, ""))));
            for (long offset : new long[] {-1, -2, Long.MIN_VALUE, Long.MAX_VALUE, 0})
                commit(session, "offset " + offset, version, request(group, -1, "", topic(id, partition(0, offset, ""))));
            for (int size : new int[] {4096, 4097})
                commit(session, "metadata of " + size, version, request(group, -1, "", topic(id, partition(0, 5, "x".repeat(size)), partition(1, 5, ""))));
            commit(session, "metadata of 4096 wide characters", version, request(group, -1, "", topic(id, partition(0, 5, "ü".repeat(4096)))));
            commit(session, "all metadata too large", version, request(group + "-large", -1, "", topic(id, partition(0, 5, "x".repeat(5000)))));
            if (version >= 6) for (int epoch : new int[] {0, -1, -2, Integer.MAX_VALUE})
                commit(session, "leader epoch " + epoch, version, request(group, -1, "", topic(id, partition(0, 6, "").setCommittedLeaderEpoch(epoch))));
        }
        commit(session, "unknown topic", byName, request(group, -1, "", named("offsets-unknown", partition(0, 1, "")), topic(id, partition(0, 1, ""))));
        commit(session, "unknown topic alone", byName, request(group + "-unknown", -1, "", named("offsets-unknown", partition(0, 1, ""))));
        commit(session, "invalid topic names", byName, request(group, -1, "", named("", partition(0, 1, "")), named("bad name!", partition(0, 1, ""))));
        commit(session, "metadata topic", byName, request(group, -1, "", named("__cluster_metadata", partition(0, 1, ""))));
        commit(session, "offsets topic", byName, request(group, -1, "", named("__consumer_offsets", partition(0, 1, ""))));
        commit(session, "unknown id", byId, request(group, -1, "", topic(new Uuid(1, 2), partition(0, 1, "")), topic(id, partition(0, 1, ""))));
        commit(session, "unknown id alone", byId, request(group, -1, "", topic(new Uuid(1, 2), partition(0, 1, ""), partition(1, 1, ""))));
        commit(session, "zero id", byId, request(group, -1, "", topic(Uuid.ZERO_UUID, partition(0, 1, ""))));
        commit(session, "two topics in turns", byName, request(group, -1, "", named("offsets-other", partition(0, 1, "")), topic(id, partition(0, 1, "")),
            named("offsets-other", partition(1, 1, "")), topic(id, partition(9, 1, ""))));
    }

    /** Commits between the generations of a group of two. */
    private static void members(Session session) throws IOException {
        Member leader = new Member(session, "commits"), follower = new Member(session, "commits");
        Groups.stable(session, leader, follower);
        commit(session, "of the follower", 9, request("commits", follower.generation, follower.id, named(TOPIC, partition(0, 1, ""))));
        Member.Joining joining = leader.joining("leader begins a round");
        Groups.await(session, "commits", "PreparingRebalance", 2);
        commit(session, "in a rebalance", 9, request("commits", follower.generation, follower.id, named(TOPIC, partition(0, 2, ""))));
        commit(session, "in a rebalance, generation after", 9, request("commits", follower.generation + 1, follower.id, named(TOPIC, partition(0, 3, ""))));
        commit(session, "in a rebalance, no member", 9, request("commits", -1, "", named(TOPIC, partition(0, 3, ""))));
        Member.Joining other = follower.joining("follower comes");
        other.answer();
        joining.answer();
        commit(session, "assignments awaited", 9, request("commits", follower.generation, follower.id, named(TOPIC, partition(0, 4, ""))));
        commit(session, "assignments awaited, unknown partition", 9, request("commits", follower.generation, follower.id, named(TOPIC, partition(5, 4, ""), partition(0, 4, ""))));
        leader.leave("over");
        follower.leave("over");
    }

    static void commit(Session session, String name, int version, OffsetCommitRequestData request) throws IOException {
        session.ask(name, ApiKeys.OFFSET_COMMIT, version, request);
    }

    static OffsetCommitRequestData request(String group, int generation, String member, OffsetCommitRequestTopic... topics) {
        return new OffsetCommitRequestData().setGroupId(group).setGenerationIdOrMemberEpoch(generation).setMemberId(member).setTopics(List.of(topics));
    }

    static OffsetCommitRequestTopic topic(Uuid id, OffsetCommitRequestPartition... partitions) {
        return named(TOPIC, partitions).setTopicId(id);
    }

    static OffsetCommitRequestTopic named(String name, OffsetCommitRequestPartition... partitions) {
        return new OffsetCommitRequestTopic().setName(name).setPartitions(new ArrayList<>(List.of(partitions)));
    }

    static OffsetCommitRequestPartition partition(int index, long offset, String metadata) {
        return new OffsetCommitRequestPartition().setPartitionIndex(index).setCommittedOffset(offset).setCommittedMetadata(metadata);
    }
}
