package moldau.interop.cases;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import moldau.interop.Groups;
import moldau.interop.Session;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.message.DescribeConfigsRequestData;
import org.apache.kafka.common.message.DescribeTopicPartitionsRequestData;
import org.apache.kafka.common.message.FindCoordinatorRequestData;
import org.apache.kafka.common.message.FindCoordinatorResponseData;
import org.apache.kafka.common.message.MetadataRequestData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;

/** Who coordinates what, and the topic that groups are kept in. */
public final class CoordinatorCases {
    private static final String SHARE_KEY = "group:AAAAAAAAAAAAAAAAAAAAAQ:0";

    private CoordinatorCases() {}

    public static void run(Session session) throws IOException {
        Groups.awaitCoordinators(session);
        // The topics of the other types are made at the first question, too.
        for (int type = 1; type <= 2; type++)
            session.await(ApiKeys.FIND_COORDINATOR, keys(type, type == 1 ? "key" : SHARE_KEY), (FindCoordinatorResponseData answer) ->
                answer.coordinators().get(0).errorCode() != Errors.COORDINATOR_NOT_AVAILABLE.code());
        for (int version : ApiKeys.FIND_COORDINATOR.allVersions()) {
            boolean batched = version >= 4;
            session.ask("of a group", ApiKeys.FIND_COORDINATOR, version, batched ? keys(0, "key") : key(0, "key"));
            session.ask("of the empty group", ApiKeys.FIND_COORDINATOR, version, batched ? keys(0, "") : key(0, ""));
            if (version >= 1) for (int type : new int[] {1, 2, 3, 127, -1})
                session.ask("of type " + type, ApiKeys.FIND_COORDINATOR, version, batched ? keys(type, "key") : key(type, "key"));
        }
        ask(session, "no keys", keys(0));
        ask(session, "several keys", keys(0, "one", "two", "", "three"));
        ask(session, "same key twice", keys(0, "one", "two", "one"));
        ask(session, "same key of an unknown type twice", keys(4, "one", "one"));
        ask(session, "no keys of an unknown type", keys(4));
        ask(session, "key with odd characters", keys(0, "a b\u0000ü💧"));
        List<String> many = new ArrayList<>();
        for (int i = 0; i < 1000; i++) many.add("key-" + i);
        ask(session, "1000 keys", new FindCoordinatorRequestData().setCoordinatorKeys(many));
        ask(session, "share key", keys(2, SHARE_KEY));
        offsetsTopic(session);
    }

    private static void offsetsTopic(Session session) throws IOException {
        session.ask("offsets topic", ApiKeys.METADATA, new MetadataRequestData().setAllowAutoTopicCreation(false)
            .setTopics(List.of(new MetadataRequestData.MetadataRequestTopic().setName("__consumer_offsets"))));
        DescribeTopicPartitionsRequestData partitions = new DescribeTopicPartitionsRequestData();
        partitions.topics().add(new DescribeTopicPartitionsRequestData.TopicRequest().setName("__consumer_offsets"));
        session.ask("offsets topic", ApiKeys.DESCRIBE_TOPIC_PARTITIONS, partitions);
        session.ask("offsets topic", ApiKeys.DESCRIBE_CONFIGS, new DescribeConfigsRequestData().setResources(List.of(
            new DescribeConfigsRequestData.DescribeConfigsResource().setResourceType(ConfigResource.Type.TOPIC.id())
                .setResourceName("__consumer_offsets").setConfigurationKeys(null))).setIncludeSynonyms(true));
    }

    private static void ask(Session session, String name, FindCoordinatorRequestData request) throws IOException {
        session.ask(name, ApiKeys.FIND_COORDINATOR, request);
    }

    private static FindCoordinatorRequestData keys(int type, String... keys) {
        return new FindCoordinatorRequestData().setKeyType((byte) type).setCoordinatorKeys(List.of(keys));
    }

    private static FindCoordinatorRequestData key(int type, String key) {
        return new FindCoordinatorRequestData().setKeyType((byte) type).setKey(key);
    }
}
