package moldau.interop.cases;

import java.io.IOException;
import java.util.List;
import java.util.stream.IntStream;
import moldau.interop.Member;
import moldau.interop.Session;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.OffsetFetchRequestData;
import org.apache.kafka.common.message.OffsetFetchRequestData.OffsetFetchRequestGroup;
import org.apache.kafka.common.message.OffsetFetchRequestData.OffsetFetchRequestTopic;
import org.apache.kafka.common.message.OffsetFetchRequestData.OffsetFetchRequestTopics;
import org.apache.kafka.common.protocol.ApiKeys;

/** How far groups have come, of what the cases before have committed. */
final class OffsetFetchCases {
    private static final int FIRST_WITH_ALL = 2;
    private static final int FIRST_WITH_STABLE = 7;
    private static final int FIRST_WITH_GROUPS = 8;
    private static final int FIRST_WITH_MEMBERS = 9;

    private OffsetFetchCases() {}

    static void run(Session session, Uuid id) throws IOException {
        OffsetCases.commit(session, "setup", 9, OffsetCases.request("fetches", -1, "", OffsetCases.topic(id, OffsetCases.partition(0, 10, "m"),
            OffsetCases.partition(1, 11, null).setCommittedLeaderEpoch(3)), OffsetCases.named("offsets-other", OffsetCases.partition(0, 12, ""))));
        for (short version : ApiKeys.OFFSET_FETCH.allVersions()) {
            fetch(session, "some", version, group("fetches", topic(id, 0, 1, 2, 3, -1)));
            fetch(session, "same partition twice", version, group("fetches", topic(id, 0, 0)));
            fetch(session, "same topic twice", version, group("fetches", topic(id, 0), topic(id, 0, 1)));
            fetch(session, "no partitions", version, group("fetches", topic(id)));
            fetch(session, "no topics", version, group("fetches"));
            fetch(session, "unknown group", version, group("fetches-unknown", topic(id, 0)));
            fetch(session, "empty group id", version, group("", topic(id, 0)));
            if (version < FIRST_WITH_ALL) continue;
            fetch(session, "all", version, group("fetches").setTopics(null));
            fetch(session, "all of an unknown group", version, group("fetches-unknown").setTopics(null));
            fetch(session, "all of the empty group id", version, group("").setTopics(null));
        }
        named(session);
        stable(session, id);
        batched(session, id);
        asMember(session, id);
    }

    private static void named(Session session) throws IOException {
        for (int version : new int[] {1, 7, 9}) {
            fetch(session, "unknown topic", version, group("fetches", new OffsetFetchRequestTopics().setName("offsets-unknown").setPartitionIndexes(List.of(0, 1))));
            fetch(session, "invalid topic name", version, group("fetches", new OffsetFetchRequestTopics().setName("bad name!").setPartitionIndexes(List.of(0))));
            fetch(session, "empty topic name", version, group("fetches", new OffsetFetchRequestTopics().setName("").setPartitionIndexes(List.of(0))));
        }
    }

    private static void stable(Session session, Uuid id) throws IOException {
        for (int version = FIRST_WITH_STABLE; version <= ApiKeys.OFFSET_FETCH.latestVersion(false); version++) {
            session.ask("stable", ApiKeys.OFFSET_FETCH, version, request(version, group("fetches", topic(id, 0, 2))).setRequireStable(true));
            session.ask("stable, all", ApiKeys.OFFSET_FETCH, version, request(version, group("fetches").setTopics(null)).setRequireStable(true));
            session.ask("stable, unknown group", ApiKeys.OFFSET_FETCH, version, request(version, group("fetches-unknown", topic(id, 0))).setRequireStable(true));
        }
    }

    private static void batched(Session session, Uuid id) throws IOException {
        for (int version = FIRST_WITH_GROUPS; version <= ApiKeys.OFFSET_FETCH.latestVersion(false); version++) {
            fetch(session, "no groups", version);
            fetch(session, "several groups", version, group("fetches", topic(id, 0)), group("alone-2").setTopics(null), group("fetches-unknown", topic(id, 0)),
                group("", topic(id, 0)), group("alone-5", topic(id, 0, 1, 2)));
            fetch(session, "same group twice", version, group("fetches", topic(id, 0)), group("fetches", topic(id, 1)));
            fetch(session, "two topics", version, group("fetches", topic(id, 0), new OffsetFetchRequestTopics().setName("offsets-unknown")
                .setTopicId(new Uuid(1, 2)).setPartitionIndexes(List.of(0, 1))));
        }
        int byId = FIRST_WITH_MEMBERS + 1;
        fetch(session, "unknown id", byId, group("fetches", topic(new Uuid(1, 2), 0, 1), topic(id, 0)));
        fetch(session, "unknown id alone", byId, group("fetches", topic(new Uuid(1, 2), 0)));
        fetch(session, "unknown id, unknown group", byId, group("fetches-unknown", topic(new Uuid(1, 2), 0)));
        fetch(session, "zero id", byId, group("fetches", topic(Uuid.ZERO_UUID, 0)));
    }

    /** The members of classic groups need not say who they are; some do. */
    private static void asMember(Session session, Uuid id) throws IOException {
        Member member = new Member(session, "fetches-member");
        member.join("setup");
        member.sync("setup", member, "all");
        OffsetCases.commit(session, "setup", 9, OffsetCases.request(member.group, member.generation, member.id, OffsetCases.topic(id, OffsetCases.partition(0, 5, ""))));
        for (int version = FIRST_WITH_MEMBERS; version <= ApiKeys.OFFSET_FETCH.latestVersion(false); version++)
            for (String who : new String[] {null, "", "nobody", member.id})
                for (int epoch : new int[] {-1, 0, 1, 7})
                    fetch(session, "as '" + (member.id.equals(who) ? "member" : who) + "' of epoch " + epoch, version,
                        group(member.group, topic(id, 0)).setMemberId(who).setMemberEpoch(epoch));
        fetch(session, "unknown group as a member", 9, group("fetches-unknown", topic(id, 0)).setMemberId("nobody").setMemberEpoch(1));
        fetch(session, "unknown group as a member, all", 9, group("fetches-unknown").setTopics(null).setMemberId("nobody").setMemberEpoch(1));
        member.leave("over");
    }

    static void fetch(Session session, String name, int version, OffsetFetchRequestGroup... groups) throws IOException {
        session.ask(name, ApiKeys.OFFSET_FETCH, version, request(version, groups));
    }

    /** Versions before 8 have one group. */
    private static OffsetFetchRequestData request(int version, OffsetFetchRequestGroup... groups) {
        if (version >= FIRST_WITH_GROUPS) return new OffsetFetchRequestData().setGroups(List.of(groups));
        OffsetFetchRequestGroup only = groups[0];
        return new OffsetFetchRequestData().setGroupId(only.groupId()).setTopics(only.topics() == null ? null : only.topics().stream()
            .map(topic -> new OffsetFetchRequestTopic().setName(topic.name()).setPartitionIndexes(topic.partitionIndexes())).toList());
    }

    static OffsetFetchRequestGroup group(String name, OffsetFetchRequestTopics... topics) {
        return new OffsetFetchRequestGroup().setGroupId(name).setTopics(List.of(topics));
    }

    static OffsetFetchRequestTopics topic(Uuid id, int... partitions) {
        return new OffsetFetchRequestTopics().setName(OffsetCases.TOPIC).setTopicId(id).setPartitionIndexes(IntStream.of(partitions).boxed().toList());
    }
}
