package moldau.interop.cases;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import moldau.interop.Session;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.CreatePartitionsRequestData;
import org.apache.kafka.common.message.CreatePartitionsRequestData.CreatePartitionsAssignment;
import org.apache.kafka.common.message.CreatePartitionsRequestData.CreatePartitionsTopic;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableReplicaAssignment;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopic;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopicConfig;
import org.apache.kafka.common.message.DeleteTopicsRequestData;
import org.apache.kafka.common.message.DeleteTopicsRequestData.DeleteTopicState;
import org.apache.kafka.common.protocol.ApiKeys;

/** Topics made, grown and deleted, and every way in which that is refused. */
public final class AdminCases {
    private AdminCases() {}

    public static void run(Session session) throws IOException {
        createTopics(session);
        createPartitions(session);
        deleteTopics(session);
    }

    private static void createTopics(Session session) throws IOException {
        for (short version : ApiKeys.CREATE_TOPICS.allVersions())
            create(session, "defaults", version, topic("admin-v" + version, version >= 4 ? -1 : 1, version >= 4 ? -1 : 1));
        create(session, "with configs", with(topic("admin-configs", 3, 1), "cleanup.policy", "compact,delete", "retention.ms", "1000"));
        create(session, "manual assignment", assigned("admin-manual", List.of(1), List.of(1)));
        session.ask("validate only", ApiKeys.CREATE_TOPICS, request(topic("admin-validated", 2, 1)).setValidateOnly(true));
        create(session, "existing", topic("admin-configs", 1, 1));
        session.ask("existing, validate only", ApiKeys.CREATE_TOPICS, request(topic("admin-configs", 1, 1)).setValidateOnly(true));
        create(session, "replication factor 2 of 1 broker", topic("admin-bad", 1, 2));
        create(session, "replication factor 0", topic("admin-bad", 1, 0));
        create(session, "replication factor -2", topic("admin-bad", 1, -2));
        create(session, "0 partitions", topic("admin-bad", 0, 1));
        create(session, "-2 partitions", topic("admin-bad", -2, 1));
        create(session, "100000 partitions", topic("admin-bad", 100_000, 1));
        for (String name : new String[] {"bad name!", "", ".", "..", "x".repeat(250), "ünicode", "__cluster_metadata"})
            create(session, "name '" + (name.length() > 40 ? "250 × x" : name) + "'", topic(name, 1, 1));
        create(session, "longest name", topic("x".repeat(249), 1, 1));
        create(session, "setup: dots", topic("admin.dot", 1, 1));
        create(session, "collides by dot and underscore", topic("admin_dot", 1, 1));
        create(session, "unknown config", with(topic("admin-bad", 1, 1), "no.such.key", "1"));
        create(session, "bad config number", with(topic("admin-bad", 1, 1), "retention.ms", "soon"));
        create(session, "config below its bound", with(topic("admin-bad", 1, 1), "retention.ms", "-2"));
        create(session, "bad config choice", with(topic("admin-bad", 1, 1), "cleanup.policy", "burn"));
        create(session, "bad compression", with(topic("admin-bad", 1, 1), "compression.type", "brotli"));
        create(session, "null config value", with(topic("admin-bad", 1, 1), "retention.ms", null));
        create(session, "segment below index", with(topic("admin-segment", 1, 1), "segment.bytes", "10"));
        create(session, "local retention above retention", with(topic("admin-bad", 1, 1), "retention.ms", "10", "local.retention.ms", "20"));
        create(session, "same topic twice", topic("admin-twice", 1, 1), topic("admin-twice", 1, 1));
        create(session, "assignment and partitions", assigned("admin-bad", List.of(1)).setNumPartitions(1));
        create(session, "assignment and replication factor", assigned("admin-bad", List.of(1)).setReplicationFactor((short) 1));
        create(session, "assignment to an unknown broker", assigned("admin-bad", List.of(9)));
        create(session, "assignment of a broker twice", assigned("admin-bad", List.of(1, 1)));
        create(session, "empty assignment of a partition", assigned("admin-bad", List.of()));
        create(session, "assignments of unequal length", assigned("admin-bad", List.of(1), List.of()));
        CreatableTopic gap = assigned("admin-bad", List.of(1));
        gap.assignments().add(new CreatableReplicaAssignment().setPartitionIndex(2).setBrokerIds(List.of(1)));
        create(session, "assignment with a gap", gap);
        create(session, "one good, one bad", topic("admin-good", 1, 1), topic("bad name!", 1, 1));
        session.ask("no topics", ApiKeys.CREATE_TOPICS, new CreateTopicsRequestData().setTimeoutMs(1000));
        session.ask("timeout 0", ApiKeys.CREATE_TOPICS, request(topic("admin-timeout", 1, 1)).setTimeoutMs(0));
    }

    private static void createPartitions(Session session) throws IOException {
        for (short version : ApiKeys.CREATE_PARTITIONS.allVersions())
            grow(session, "one more", version, "admin-configs", 4 + version, null);
        int latest = ApiKeys.CREATE_PARTITIONS.latestVersion(false);
        grow(session, "the same count", latest, "admin-configs", 7, null);
        grow(session, "fewer", latest, "admin-configs", 2, null);
        grow(session, "0 partitions", latest, "admin-configs", 0, null);
        grow(session, "unknown topic", latest, "admin-unknown", 3, null);
        grow(session, "invalid name", latest, "bad name!", 3, null);
        grow(session, "assigned", latest, "admin-configs", 8, List.of(List.of(1)));
        grow(session, "two assigned for one", latest, "admin-configs", 9, List.of(List.of(1), List.of(1)));
        grow(session, "unknown broker", latest, "admin-configs", 9, List.of(List.of(7)));
        grow(session, "other replication factor", latest, "admin-configs", 9, List.of(List.of(1, 2)));
        grow(session, "broker twice", latest, "admin-configs", 9, List.of(List.of(1, 1)));
        grow(session, "no replicas", latest, "admin-configs", 9, List.of(List.of()));
        CreatePartitionsRequestData validated = partitions("admin-configs", 12, null).setValidateOnly(true);
        session.ask("validate only", ApiKeys.CREATE_PARTITIONS, validated);
        CreatePartitionsRequestData twice = partitions("admin-configs", 12, null);
        twice.topics().add(new CreatePartitionsTopic().setName("admin-configs").setCount(13).setAssignments(null));
        session.ask("same topic twice", ApiKeys.CREATE_PARTITIONS, twice);
    }

    private static void deleteTopics(Session session) throws IOException {
        Uuid id = session.createTopic("admin-delete", 1, Map.of());
        for (short version : ApiKeys.DELETE_TOPICS.allVersions()) {
            if (version <= 5) session.ask("by name", ApiKeys.DELETE_TOPICS, version,
                new DeleteTopicsRequestData().setTimeoutMs(10_000).setTopicNames(List.of("admin-v" + (version + 2), "admin-unknown")));
        }
        delete(session, "by id", new DeleteTopicState().setName(null).setTopicId(id));
        delete(session, "by id, gone", new DeleteTopicState().setName(null).setTopicId(id));
        delete(session, "by name", new DeleteTopicState().setName("admin-manual"));
        delete(session, "unknown name", new DeleteTopicState().setName("admin-unknown"));
        delete(session, "invalid name", new DeleteTopicState().setName("bad name!"));
        delete(session, "neither name nor id", new DeleteTopicState().setName(null));
        delete(session, "both name and id", new DeleteTopicState().setName("admin-configs").setTopicId(id));
        delete(session, "same name twice", new DeleteTopicState().setName("admin-good"), new DeleteTopicState().setName("admin-good"));
        delete(session, "metadata topic", new DeleteTopicState().setName("__cluster_metadata"));
        delete(session, "nothing");
    }

    private static void create(Session session, String name, CreatableTopic... topics) throws IOException {
        create(session, name, ApiKeys.CREATE_TOPICS.latestVersion(false), topics);
    }

    private static void create(Session session, String name, int version, CreatableTopic... topics) throws IOException {
        session.ask(name, ApiKeys.CREATE_TOPICS, version, request(topics));
    }

    private static CreateTopicsRequestData request(CreatableTopic... topics) {
        CreateTopicsRequestData request = new CreateTopicsRequestData().setTimeoutMs(10_000);
        for (CreatableTopic topic : topics) request.topics().mustAdd(topic);
        return request;
    }

    private static CreatableTopic topic(String name, int partitions, int replicas) {
        return new CreatableTopic().setName(name).setNumPartitions(partitions).setReplicationFactor((short) replicas);
    }

    private static CreatableTopic with(CreatableTopic topic, String... pairs) {
        for (int i = 0; i < pairs.length; i += 2)
            topic.configs().add(new CreatableTopicConfig().setName(pairs[i]).setValue(pairs[i + 1]));
        return topic;
    }

    @SafeVarargs
    private static CreatableTopic assigned(String name, List<Integer>... replicas) {
        CreatableTopic topic = topic(name, -1, -1);
        for (int i = 0; i < replicas.length; i++)
            topic.assignments().add(new CreatableReplicaAssignment().setPartitionIndex(i).setBrokerIds(replicas[i]));
        return topic;
    }

    private static void grow(Session session, String name, int version, String topic, int count, List<List<Integer>> replicas) throws IOException {
        session.ask(name, ApiKeys.CREATE_PARTITIONS, version, partitions(topic, count, replicas));
    }

    private static CreatePartitionsRequestData partitions(String topic, int count, List<List<Integer>> replicas) {
        CreatePartitionsTopic grown = new CreatePartitionsTopic().setName(topic).setCount(count).setAssignments(
            replicas == null ? null : replicas.stream().map(ids -> new CreatePartitionsAssignment().setBrokerIds(ids)).toList());
        CreatePartitionsRequestData request = new CreatePartitionsRequestData().setTimeoutMs(10_000);
        request.topics().add(grown);
        return request;
    }

    private static void delete(Session session, String name, DeleteTopicState... topics) throws IOException {
        session.ask(name, ApiKeys.DELETE_TOPICS, new DeleteTopicsRequestData().setTimeoutMs(10_000).setTopics(List.of(topics)));
    }
}
