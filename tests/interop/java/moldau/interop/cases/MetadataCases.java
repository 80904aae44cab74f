package moldau.interop.cases;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import moldau.interop.Session;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.DescribeClusterRequestData;
import org.apache.kafka.common.message.DescribeQuorumRequestData;
import org.apache.kafka.common.message.DescribeTopicPartitionsRequestData;
import org.apache.kafka.common.message.MetadataRequestData;
import org.apache.kafka.common.message.MetadataRequestData.MetadataRequestTopic;
import org.apache.kafka.common.protocol.ApiKeys;

/** Questions about the cluster: topics, brokers, the quorum. */
public final class MetadataCases {
    private static final Uuid UNKNOWN_ID = new Uuid(0x1234, 0x5678);

    private MetadataCases() {}

    public static void run(Session session) throws IOException {
        Uuid known = session.createTopic("meta-known", 3, Map.of());
        metadata(session, known);
        cluster(session);
        topicPartitions(session);
    }

    private static void metadata(Session session, Uuid known) throws IOException {
        session.ask("all topics", ApiKeys.METADATA, new MetadataRequestData().setTopics(null));
        session.ask("no topics", ApiKeys.METADATA, new MetadataRequestData());
        for (short version : ApiKeys.METADATA.allVersions())
            session.ask("a topic at every version", ApiKeys.METADATA, version, named("meta-known", true));
        session.ask("by id", ApiKeys.METADATA, identified(known));
        session.ask("unknown id", ApiKeys.METADATA, identified(UNKNOWN_ID));
        session.ask("unknown topic, no creation", ApiKeys.METADATA, named("meta-unknown", false));
        session.ask("unknown topic, no creation, old version", ApiKeys.METADATA, 4, named("meta-unknown", false));
        session.ask("auto-creation, first answer", ApiKeys.METADATA, named("meta-auto", true));
        session.awaitTopic("meta-auto");
        session.ask("invalid name", ApiKeys.METADATA, named("bad name!", true));
        session.ask("invalid name, no creation", ApiKeys.METADATA, named("bad name!", false));
        session.ask("empty name", ApiKeys.METADATA, named("", true));
        session.ask("name of 250 characters", ApiKeys.METADATA, named("x".repeat(250), true));
        session.ask("name '.'", ApiKeys.METADATA, named(".", true));
        session.ask("both name and unknown id", ApiKeys.METADATA, new MetadataRequestData().setTopics(
            List.of(new MetadataRequestTopic().setTopicId(UNKNOWN_ID).setName("meta-known"))));
        session.ask("duplicate names", ApiKeys.METADATA, new MetadataRequestData().setTopics(
            List.of(new MetadataRequestTopic().setName("meta-known"), new MetadataRequestTopic().setName("meta-known"))));
        session.ask("authorized operations", ApiKeys.METADATA, named("meta-known", false).setIncludeTopicAuthorizedOperations(true));
        session.ask("cluster operations", ApiKeys.METADATA, 10, named("meta-known", false)
            .setIncludeClusterAuthorizedOperations(true).setIncludeTopicAuthorizedOperations(true));
    }

    private static void cluster(Session session) throws IOException {
        for (short version : ApiKeys.DESCRIBE_CLUSTER.allVersions())
            session.ask("brokers", ApiKeys.DESCRIBE_CLUSTER, version, new DescribeClusterRequestData());
        session.ask("with operations", ApiKeys.DESCRIBE_CLUSTER, new DescribeClusterRequestData().setIncludeClusterAuthorizedOperations(true));
        session.ask("with fenced brokers", ApiKeys.DESCRIBE_CLUSTER, new DescribeClusterRequestData().setIncludeFencedBrokers(true));
        session.ask("controllers, from a broker", ApiKeys.DESCRIBE_CLUSTER, new DescribeClusterRequestData().setEndpointType((byte) 2));
        session.ask("endpoint type 3", ApiKeys.DESCRIBE_CLUSTER, new DescribeClusterRequestData().setEndpointType((byte) 3));
        for (short version : ApiKeys.DESCRIBE_QUORUM.allVersions())
            session.ask("quorum", ApiKeys.DESCRIBE_QUORUM, version, quorum("__cluster_metadata", 0));
        session.ask("quorum of another topic", ApiKeys.DESCRIBE_QUORUM, quorum("meta-known", 0));
        session.ask("quorum of another partition", ApiKeys.DESCRIBE_QUORUM, quorum("__cluster_metadata", 1));
    }

    private static void topicPartitions(Session session) throws IOException {
        session.ask("one topic", ApiKeys.DESCRIBE_TOPIC_PARTITIONS, topics("meta-known"));
        session.ask("all topics", ApiKeys.DESCRIBE_TOPIC_PARTITIONS, topics());
        session.ask("unknown and invalid topics", ApiKeys.DESCRIBE_TOPIC_PARTITIONS, topics("meta-unknown", "bad name!"));
        session.ask("limit of one partition", ApiKeys.DESCRIBE_TOPIC_PARTITIONS, topics("meta-known").setResponsePartitionLimit(1));
        session.ask("from a cursor", ApiKeys.DESCRIBE_TOPIC_PARTITIONS, topics("meta-known").setCursor(
            new DescribeTopicPartitionsRequestData.Cursor().setTopicName("meta-known").setPartitionIndex(2)));
        session.ask("cursor below zero", ApiKeys.DESCRIBE_TOPIC_PARTITIONS, topics("meta-known").setCursor(
            new DescribeTopicPartitionsRequestData.Cursor().setTopicName("meta-known").setPartitionIndex(-1)));
        session.ask("limit 0", ApiKeys.DESCRIBE_TOPIC_PARTITIONS, topics("meta-known").setResponsePartitionLimit(0));
    }

    private static MetadataRequestData named(String topic, boolean create) {
        return new MetadataRequestData().setAllowAutoTopicCreation(create)
            .setTopics(List.of(new MetadataRequestTopic().setName(topic)));
    }

    private static MetadataRequestData identified(Uuid id) {
        return new MetadataRequestData().setTopics(List.of(new MetadataRequestTopic().setTopicId(id).setName(null)));
    }

    private static DescribeQuorumRequestData quorum(String topic, int partition) {
        return new DescribeQuorumRequestData().setTopics(List.of(new DescribeQuorumRequestData.TopicData().setTopicName(topic)
            .setPartitions(List.of(new DescribeQuorumRequestData.PartitionData().setPartitionIndex(partition)))));
    }

    private static DescribeTopicPartitionsRequestData topics(String... names) {
        DescribeTopicPartitionsRequestData request = new DescribeTopicPartitionsRequestData();
        for (String name : names) request.topics().add(new DescribeTopicPartitionsRequestData.TopicRequest().setName(name));
        return request;
    }
}
