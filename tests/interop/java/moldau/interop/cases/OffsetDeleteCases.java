package moldau.interop.cases;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import moldau.interop.Member;
import moldau.interop.Session;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.DeleteTopicsRequestData;
import org.apache.kafka.common.message.DeleteTopicsRequestData.DeleteTopicState;
import org.apache.kafka.common.message.OffsetDeleteRequestData;
import org.apache.kafka.common.message.OffsetDeleteRequestData.OffsetDeleteRequestPartition;
import org.apache.kafka.common.message.OffsetDeleteRequestData.OffsetDeleteRequestTopic;
import org.apache.kafka.common.message.OffsetFetchRequestData;
import org.apache.kafka.common.message.OffsetFetchResponseData;
import org.apache.kafka.common.protocol.ApiKeys;

/** Offsets deleted: of groups without members, of topics that nobody subscribes to, of topics that go. */
final class OffsetDeleteCases {
    private OffsetDeleteCases() {}

    static void run(Session session) throws IOException {
        setup(session, "deletes");
        ask(session, "unknown group", "deletes-unknown", topic(OffsetCases.TOPIC, 0));
        ask(session, "empty group id", "", topic(OffsetCases.TOPIC, 0));
        ask(session, "no topics", "deletes");
        ask(session, "no topics, unknown group", "deletes-unknown");
        ask(session, "no partitions", "deletes", topic(OffsetCases.TOPIC));
        ask(session, "some", "deletes", topic(OffsetCases.TOPIC, 0, 2));
        ask(session, "without offsets", "deletes", topic(OffsetCases.TOPIC, 2));
        ask(session, "unknown partitions", "deletes", topic(OffsetCases.TOPIC, 1, 3, -1), topic("offsets-unknown", 0), topic("bad name!", 0), topic("", 0));
        ask(session, "unknown topic alone", "deletes", topic("offsets-unknown", 0));
        ask(session, "unknown topic, unknown group", "deletes-unknown", topic("offsets-unknown", 0));
        ask(session, "same partition twice", "deletes", topic("offsets-other", 0, 0));
        subscribed(session);
        Member connect = new Member(session, "deletes-connect").withProtocols("connect", "eager", "any");
        connect.join("setup");
        ask(session, "group of another type", "deletes-connect", topic(OffsetCases.TOPIC, 0));
        connect.sync("setup", connect, "all");
        OffsetCases.commit(session, "setup", 9, OffsetCases.request("deletes-connect", connect.generation, connect.id,
            OffsetCases.named(OffsetCases.TOPIC, OffsetCases.partition(0, 1, ""))));
        ask(session, "stable group of another type", "deletes-connect", topic(OffsetCases.TOPIC, 0));
        connect.leave("over");
        ask(session, "empty group of another type", "deletes-connect", topic(OffsetCases.TOPIC, 0));
        topicThatGoes(session);
    }

    private static void setup(Session session, String group) throws IOException {
        OffsetCases.commit(session, "setup", 9, OffsetCases.request(group, -1, "", OffsetCases.named(OffsetCases.TOPIC, OffsetCases.partition(0, 1, ""),
            OffsetCases.partition(1, 1, ""), OffsetCases.partition(2, 1, "")), OffsetCases.named("offsets-other", OffsetCases.partition(0, 1, ""))));
    }

    private static void subscribed(Session session) throws IOException {
        Member member = new Member(session, "deletes-consumer");
        setup(session, member.group);
        member.protocols = Map.of("range", Member.subscription("", OffsetCases.TOPIC));
        member.join("setup");
        ask(session, "assignments awaited", member.group, topic("offsets-other", 0), topic(OffsetCases.TOPIC, 0));
        member.sync("setup", member, "all");
        ask(session, "subscribed", member.group, topic(OffsetCases.TOPIC, 0, 1), topic("offsets-other", 0));
        ask(session, "subscribed, unknown partition", member.group, topic(OffsetCases.TOPIC, 9), topic("offsets-unknown", 0));
        member.leave("over");
        ask(session, "no longer subscribed", member.group, topic(OffsetCases.TOPIC, 0));
        Member odd = new Member(session, "deletes-odd");
        setup(session, odd.group);
        odd.protocols = Map.of("range", "short".getBytes());
        odd.join("setup");
        odd.sync("setup", odd, "all");
        ask(session, "subscription that is none", odd.group, topic(OffsetCases.TOPIC, 0));
        odd.leave("over");
    }

    private static void topicThatGoes(Session session) throws IOException {
        session.createTopic("offsets-goes", 2, Map.of());
        for (String group : new String[] {"goes", "goes-with-others"})
            OffsetCases.commit(session, "setup", 9, OffsetCases.request(group, -1, "", OffsetCases.named("offsets-goes", OffsetCases.partition(1, 1, ""))));
        OffsetCases.commit(session, "setup", 9, OffsetCases.request("goes-with-others", -1, "", OffsetCases.named(OffsetCases.TOPIC, OffsetCases.partition(1, 1, ""))));
        session.ask("the topic goes", ApiKeys.DELETE_TOPICS, new DeleteTopicsRequestData().setTimeoutMs(10_000)
            .setTopics(List.of(new DeleteTopicState().setName("offsets-goes").setTopicId(Uuid.ZERO_UUID))));
        for (String group : new String[] {"goes", "goes-with-others"})
            session.await(ApiKeys.OFFSET_FETCH, 9, new OffsetFetchRequestData().setGroups(List.of(new OffsetFetchRequestData.OffsetFetchRequestGroup()
                    .setGroupId(group).setTopics(null))), (OffsetFetchResponseData answer) ->
                answer.groups().get(0).topics().stream().noneMatch(topic -> topic.name().equals("offsets-goes")));
        OffsetFetchCases.fetch(session, "after the topic is gone", 9, OffsetFetchCases.group("goes").setTopics(null),
            OffsetFetchCases.group("goes-with-others").setTopics(null));
    }

    private static void ask(Session session, String name, String group, OffsetDeleteRequestTopic... topics) throws IOException {
        OffsetDeleteRequestData request = new OffsetDeleteRequestData().setGroupId(group);
        for (OffsetDeleteRequestTopic topic : topics) request.topics().mustAdd(topic);
        session.ask(name, ApiKeys.OFFSET_DELETE, request);
    }

    private static OffsetDeleteRequestTopic topic(String name, int... partitions) {
        OffsetDeleteRequestTopic topic = new OffsetDeleteRequestTopic().setName(name);
        for (int partition : partitions) topic.partitions().add(new OffsetDeleteRequestPartition().setPartitionIndex(partition));
        return topic;
    }
}
