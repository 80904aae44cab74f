package moldau.interop.cases;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import moldau.interop.Batches;
import moldau.interop.Session;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.DeleteRecordsRequestData;
import org.apache.kafka.common.message.ListOffsetsRequestData;
import org.apache.kafka.common.message.ListOffsetsRequestData.ListOffsetsPartition;
import org.apache.kafka.common.message.ListOffsetsRequestData.ListOffsetsTopic;
import org.apache.kafka.common.message.OffsetForLeaderEpochRequestData;
import org.apache.kafka.common.message.OffsetForLeaderEpochRequestData.OffsetForLeaderPartition;
import org.apache.kafka.common.message.OffsetForLeaderEpochRequestData.OffsetForLeaderTopic;
import org.apache.kafka.common.protocol.ApiKeys;

/** ListOffsets, OffsetForLeaderEpoch and DeleteRecords on a log of three batches. */
public final class ListOffsetsCases {
    private ListOffsetsCases() {}

    public static void run(Session session) throws IOException {
        Uuid topic = session.createTopic("offsets", 2, Map.of("retention.ms", "-1"));
        session.createTopic("offsets-empty", 1, Map.of());
        session.ask("setup: 0-2", ApiKeys.PRODUCE, Batches.produce(topic, 0, -1, Batches.plain(Batches.records(3))));
        session.ask("setup: 3, in the future of 4", ApiKeys.PRODUCE, Batches.produce(topic, 0, -1,
            Batches.plain(Batches.record(Batches.T0 + 500, "d"), Batches.record(Batches.T0 + 100, "e"))));
        session.ask("setup: 5", ApiKeys.PRODUCE, Batches.produce(topic, 0, -1, Batches.plain(Batches.record(Batches.T0 + 200, "f"))));
        for (short version : ApiKeys.LIST_OFFSETS.allVersions())
            for (long timestamp : new long[] {-1, -2, -3, -4, -5, -6, -7, Batches.T0 + 1})
                session.ask("timestamp " + timestamp, ApiKeys.LIST_OFFSETS, version, list("offsets", 0, timestamp, -1));
        for (long later : new long[] {-1, 0, 2, 3, 101, 150, 500, 501})
            session.ask("first at or after T0 + " + later, ApiKeys.LIST_OFFSETS, list("offsets", 0, Batches.T0 + later, -1));
        for (long timestamp : new long[] {-1, -2, -3, -4, -5, -6, 0})
            session.ask("empty log, timestamp " + timestamp, ApiKeys.LIST_OFFSETS, list("offsets-empty", 0, timestamp, -1));
        session.ask("unknown partition", ApiKeys.LIST_OFFSETS, list("offsets", 9, -1, -1));
        session.ask("unknown topic", ApiKeys.LIST_OFFSETS, list("offsets-unknown", 0, -1, -1));
        session.ask("leader epoch too high", ApiKeys.LIST_OFFSETS, list("offsets", 0, -1, 5));
        session.ask("leader epoch right", ApiKeys.LIST_OFFSETS, list("offsets", 0, -1, 0));
        session.ask("read committed", ApiKeys.LIST_OFFSETS, list("offsets", 0, -1, -1).setIsolationLevel((byte) 1));
        session.ask("as replica 1", ApiKeys.LIST_OFFSETS, list("offsets", 0, -1, -1).setReplicaId(1));
        session.ask("as debugging replica", ApiKeys.LIST_OFFSETS, list("offsets", 0, -1, -1).setReplicaId(-2));
        ListOffsetsRequestData twice = list("offsets", 0, -1, -1);
        twice.topics().get(0).setPartitions(List.of(asked(0, -1, -1), asked(0, -2, -1)));
        session.ask("a partition twice", ApiKeys.LIST_OFFSETS, twice);
        epochs(session);
        deleteRecords(session);
    }

    private static void epochs(Session session) throws IOException {
        for (short version : ApiKeys.OFFSET_FOR_LEADER_EPOCH.allVersions())
            session.ask("epoch 0", ApiKeys.OFFSET_FOR_LEADER_EPOCH, version, epoch("offsets", 0, 0, -1));
        session.ask("epoch 7", ApiKeys.OFFSET_FOR_LEADER_EPOCH, epoch("offsets", 0, 7, -1));
        session.ask("epoch -1", ApiKeys.OFFSET_FOR_LEADER_EPOCH, epoch("offsets", 0, -1, -1));
        session.ask("current epoch 9", ApiKeys.OFFSET_FOR_LEADER_EPOCH, epoch("offsets", 0, 0, 9));
        session.ask("empty log", ApiKeys.OFFSET_FOR_LEADER_EPOCH, epoch("offsets-empty", 0, 0, -1));
        session.ask("unknown partition", ApiKeys.OFFSET_FOR_LEADER_EPOCH, epoch("offsets", 9, 0, -1));
        session.ask("unknown topic", ApiKeys.OFFSET_FOR_LEADER_EPOCH, epoch("offsets-unknown", 0, 0, -1));
    }

    private static void deleteRecords(Session session) throws IOException {
        for (long offset : new long[] {2, 1, 99, -2, -1})
            session.ask("delete records before " + offset, ApiKeys.DELETE_RECORDS, delete("offsets", 0, offset));
        session.ask("delete records of an unknown topic", ApiKeys.DELETE_RECORDS, delete("offsets-unknown", 0, 1));
        session.ask("delete records of an unknown partition", ApiKeys.DELETE_RECORDS, delete("offsets", 9, 1));
        for (long timestamp : new long[] {-1, -2, -3, -4, -5, -6, 0, Batches.T0})
            session.ask("after deletion, timestamp " + timestamp, ApiKeys.LIST_OFFSETS, list("offsets", 0, timestamp, -1));
        session.ask("after deletion, epoch 0", ApiKeys.OFFSET_FOR_LEADER_EPOCH, epoch("offsets", 0, 0, -1));
    }

    private static ListOffsetsPartition asked(int partition, long timestamp, int epoch) {
        return new ListOffsetsPartition().setPartitionIndex(partition).setTimestamp(timestamp).setCurrentLeaderEpoch(epoch);
    }

    private static ListOffsetsRequestData list(String topic, int partition, long timestamp, int epoch) {
        return new ListOffsetsRequestData().setReplicaId(-1).setTopics(
            List.of(new ListOffsetsTopic().setName(topic).setPartitions(List.of(asked(partition, timestamp, epoch)))));
    }

    private static OffsetForLeaderEpochRequestData epoch(String topic, int partition, int epoch, int current) {
        OffsetForLeaderEpochRequestData request = new OffsetForLeaderEpochRequestData().setReplicaId(-1);
        request.topics().add(new OffsetForLeaderTopic().setTopic(topic).setPartitions(
            List.of(new OffsetForLeaderPartition().setPartition(partition).setLeaderEpoch(epoch).setCurrentLeaderEpoch(current))));
        return request;
    }

    private static DeleteRecordsRequestData delete(String topic, int partition, long before) {
        return new DeleteRecordsRequestData().setTimeoutMs(10_000).setTopics(
            List.of(new DeleteRecordsRequestData.DeleteRecordsTopic().setName(topic).setPartitions(
                List.of(new DeleteRecordsRequestData.DeleteRecordsPartition().setPartitionIndex(partition).setOffset(before)))));
    }
}
