package moldau.interop.cases;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import moldau.interop.Batches;
import moldau.interop.Session;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.DeleteRecordsRequestData;
import org.apache.kafka.common.message.FetchRequestData;
import org.apache.kafka.common.message.FetchRequestData.FetchPartition;
import org.apache.kafka.common.message.FetchRequestData.FetchTopic;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;

/** Fetch: sessions, limits, offsets and epochs out of range. */
public final class FetchCases {
    private static final int BY_NAME = 12;

    private FetchCases() {}

    public static void run(Session session) throws IOException {
        Uuid topic = session.createTopic("fetch", 2, Map.of("retention.ms", "-1"));
        for (int i = 0; i < 4; i++)
            session.ask("setup", ApiKeys.PRODUCE, Batches.produce(topic, 0, -1, Batches.plain(Batches.records(2))));
        withoutSession(session, topic);
        sessions(session, topic);
        sessionsByName(session);
    }

    private static void withoutSession(Session session, Uuid topic) throws IOException {
        for (short version : ApiKeys.FETCH.allVersions())
            session.ask("from 0", ApiKeys.FETCH, version, version <= BY_NAME ? named("fetch", at(0, 0)) : plain(topic, at(0, 0)));
        ask(session, "from the middle of a batch", plain(topic, at(0, 3)));
        ask(session, "from the end", plain(topic, at(0, 8)));
        ask(session, "empty partition", plain(topic, at(1, 0)));
        ask(session, "above the end", plain(topic, at(0, 9)));
        ask(session, "below zero", plain(topic, at(0, -1)));
        ask(session, "partition limit of 1 byte", plain(topic, at(0, 0).setPartitionMaxBytes(1)));
        ask(session, "partition limit of 0 bytes", plain(topic, at(0, 0).setPartitionMaxBytes(0)));
        ask(session, "request limit of 1 byte", plain(topic, at(0, 0)).setMaxBytes(1));
        ask(session, "request limit of 0 bytes", plain(topic, at(0, 0)).setMaxBytes(0));
        ask(session, "limit within the second batch", plain(topic, at(0, 0).setPartitionMaxBytes(130)));
        ask(session, "minimum of 1 MB, wait of 100 ms", plain(topic, at(0, 0)).setMinBytes(1_000_000).setMaxWaitMs(100));
        ask(session, "read committed", plain(topic, at(0, 0)).setIsolationLevel((byte) 1));
        ask(session, "unknown topic id", plain(new Uuid(1, 2), at(0, 0)));
        ask(session, "zero topic id", plain(Uuid.ZERO_UUID, at(0, 0)));
        ask(session, "unknown partition", plain(topic, at(9, 0)));
        session.ask("unknown topic name", ApiKeys.FETCH, BY_NAME, named("fetch-unknown", at(0, 0)));
        ask(session, "current epoch too high", plain(topic, at(0, 0).setCurrentLeaderEpoch(4)));
        ask(session, "current epoch right", plain(topic, at(0, 0).setCurrentLeaderEpoch(0)));
        ask(session, "last fetched epoch, consumer", plain(topic, at(0, 0).setLastFetchedEpoch(0).setCurrentLeaderEpoch(0)));
        ask(session, "last fetched epoch diverges", plain(topic, at(0, 9).setLastFetchedEpoch(0).setCurrentLeaderEpoch(0)));
        ask(session, "a partition twice", plain(topic, at(0, 0), at(0, 4)));
        ask(session, "two partitions, one fails", plain(topic, at(0, 99), at(1, 0)));
        ask(session, "no topics, no session", request(0, -1));
        session.ask("as replica 2", ApiKeys.FETCH, 18, plain(topic, at(0, 0)).setReplicaState(
            new FetchRequestData.ReplicaState().setReplicaId(2).setReplicaEpoch(1)));
        session.ask("delete records", ApiKeys.DELETE_RECORDS, new DeleteRecordsRequestData().setTimeoutMs(10_000).setTopics(
            List.of(new DeleteRecordsRequestData.DeleteRecordsTopic().setName("fetch").setPartitions(
                List.of(new DeleteRecordsRequestData.DeleteRecordsPartition().setPartitionIndex(0).setOffset(3))))));
        ask(session, "below the log start", plain(topic, at(0, 1)));
        ask(session, "from the log start", plain(topic, at(0, 3)));
    }

    private static void sessions(Session session, Uuid topic) throws IOException {
        FetchResponseData made = ask(session, "new session", with(request(0, 0), topic, at(0, 3), at(1, 0)));
        int id = made.sessionId();
        session.note("the session has an id", id != 0);
        ask(session, "incremental, partition 0 still at 3", request(id, 1));
        ask(session, "incremental, partition 0 moves to the end", with(request(id, 2), topic, at(0, 8)));
        ask(session, "incremental, nothing new", request(id, 3));
        session.ask("one more batch", ApiKeys.PRODUCE, Batches.produce(topic, 1, -1, Batches.plain(Batches.records(1))));
        ask(session, "incremental, partition 1 has data", request(id, 4));
        ask(session, "the same epoch again", request(id, 4));
        ask(session, "epoch two ahead", request(id, 7));
        ask(session, "unknown session", request(id + 1, 1));
        ask(session, "an error stays in incremental answers", with(request(id, 5), topic, at(0, 99)));
        ask(session, "the error is said again", request(id, 6));
        ask(session, "unknown topic in a session", with(request(id, 7), new Uuid(1, 2), at(0, 0)));
        ask(session, "unknown topic in a session, again", request(id, 8));
        FetchRequestData forget = request(id, 9);
        forget.setForgottenTopicsData(List.of(new FetchRequestData.ForgottenTopic().setTopicId(topic).setPartitions(List.of(0, 1))));
        ask(session, "partitions forgotten", forget);
        ask(session, "replaced by a new session", with(request(id, 0), topic, at(1, 0)));
        ask(session, "the old id is gone", request(id, 10));
        FetchResponseData second = ask(session, "another session", with(request(0, 0), topic, at(1, 0)));
        ask(session, "closed by epoch -1", with(request(second.sessionId(), -1), topic, at(1, 0)));
        ask(session, "after closing", request(second.sessionId(), 1));
        ask(session, "session of no partitions", request(0, 0));
        ask(session, "epoch 1 without session", with(request(0, 1), topic, at(1, 0)));
        FetchResponseData third = ask(session, "session of topic ids", with(request(0, 0), topic, at(1, 0)));
        session.ask("by names in a session of ids", ApiKeys.FETCH, BY_NAME, request(third.sessionId(), 1));
    }

    private static void sessionsByName(Session session) throws IOException {
        FetchRequestData first = named("fetch", at(0, 3)).setSessionEpoch(0);
        FetchResponseData made = (FetchResponseData) session.ask("new session by name", ApiKeys.FETCH, BY_NAME, first);
        FetchRequestData next = request(made.sessionId(), 1);
        session.ask("incremental by name", ApiKeys.FETCH, BY_NAME, next);
        ask(session, "by ids in a session of names", request(made.sessionId(), 2));
    }

    private static FetchResponseData ask(Session session, String name, ApiMessage request) throws IOException {
        return session.ask(name, ApiKeys.FETCH, request);
    }

    private static FetchPartition at(int partition, long offset) {
        return new FetchPartition().setPartition(partition).setFetchOffset(offset).setPartitionMaxBytes(1 << 20);
    }

    private static FetchRequestData request(int sessionId, int epoch) {
        return new FetchRequestData().setMaxWaitMs(50).setMinBytes(1).setMaxBytes(50 << 20).setSessionId(sessionId)
            .setSessionEpoch(epoch).setTopics(new ArrayList<>());
    }

    private static FetchRequestData with(FetchRequestData request, Uuid topic, FetchPartition... partitions) {
        request.topics().add(new FetchTopic().setTopicId(topic).setPartitions(List.of(partitions)));
        return request;
    }

    /** A request outside any session. */
    private static FetchRequestData plain(Uuid topic, FetchPartition... partitions) {
        return with(request(0, -1), topic, partitions);
    }

    private static FetchRequestData named(String topic, FetchPartition... partitions) {
        FetchRequestData request = request(0, -1);
        request.topics().add(new FetchTopic().setTopic(topic).setPartitions(List.of(partitions)));
        return request;
    }
}
