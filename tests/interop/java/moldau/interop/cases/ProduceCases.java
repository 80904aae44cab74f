package moldau.interop.cases;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import moldau.interop.Batches;
import moldau.interop.Session;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.message.InitProducerIdRequestData;
import org.apache.kafka.common.message.InitProducerIdResponseData;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.message.ProduceRequestData.PartitionProduceData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.BaseRecords;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.SimpleRecord;

/** Produce, sound and broken, and the producer ids it needs. */
public final class ProduceCases {
    private static final Map<String, String> KEEP = Map.of("retention.ms", "-1");

    private ProduceCases() {}

    public static void run(Session session) throws IOException {
        Uuid topic = session.createTopic("produce", 1, KEEP);
        sound(session, topic);
        wrongAddress(session, topic);
        brokenBatches(session, topic);
        limits(session);
        namedTwice(session);
        timestamps(session);
        compacted(session);
        producerIds(session);
        idempotent(session);
    }

    private static void sound(Session session, Uuid topic) throws IOException {
        for (short version : ApiKeys.PRODUCE.allVersions()) {
            if (version < 3) continue;
            MemoryRecords batch = Batches.plain(Batches.records(2));
            session.ask("two records", ApiKeys.PRODUCE, version,
                version >= 13 ? Batches.produce(topic, 0, 1, batch) : Batches.produce("produce", 0, 1, batch));
        }
        ask(session, "acks all", topic, 0, -1, Batches.plain(Batches.records(1)));
        for (Compression codec : List.of(Compression.gzip().build(), Compression.snappy().build(), Compression.lz4().build(), Compression.zstd().build()))
            ask(session, "codec " + codec.type().name, topic, 0, 1, MemoryRecords.withRecords(codec, Batches.records(20)));
        ask(session, "base offset 100 in the batch", topic, 0, 1, MemoryRecords.withRecords(100L, Compression.NONE, Batches.records(2)));
    }

    private static void wrongAddress(Session session, Uuid topic) throws IOException {
        MemoryRecords batch = Batches.plain(Batches.records(1));
        ask(session, "unknown topic id", new Uuid(1, 2), 0, 1, batch);
        ask(session, "zero topic id", Uuid.ZERO_UUID, 0, 1, batch);
        ask(session, "unknown partition", topic, 7, 1, batch);
        ask(session, "negative partition", topic, -1, 1, batch);
        session.ask("unknown topic name", ApiKeys.PRODUCE, 12, Batches.produce("produce-unknown", 0, 1, batch));
        session.ask("invalid topic name", ApiKeys.PRODUCE, 12, Batches.produce("bad name!", 0, 1, batch));
        session.ask("internal topic of metadata", ApiKeys.PRODUCE, 12, Batches.produce("__cluster_metadata", 0, 1, batch));
        ask(session, "acks 2", topic, 0, 2, batch);
        ask(session, "acks -2", topic, 0, -2, batch);
        ask(session, "null records", topic, 0, 1, null);
        ask(session, "empty records", topic, 0, 1, MemoryRecords.EMPTY);
        session.ask("no topics", ApiKeys.PRODUCE, new ProduceRequestData().setAcks((short) 1).setTimeoutMs(1000));
        session.ask("a transactional id without transaction", ApiKeys.PRODUCE, Batches.produce(topic, 0, -1, batch).setTransactionalId("t"));
        session.wire.send(ApiKeys.PRODUCE, 13, Batches.produce(new Uuid(1, 2), 0, 0, batch));
        session.note("acks 0 to an unknown topic closes", session.wire.closedByPeer());
        session.reconnect();
    }

    private static void brokenBatches(Session session, Uuid topic) throws IOException {
        MemoryRecords batch = Batches.plain(Batches.records(2));
        int last = batch.sizeInBytes() - 1;
        ask(session, "corrupt byte", topic, 0, 1, Batches.changed(batch, last, 0x7f, false));
        ask(session, "wrong crc", topic, 0, 1, Batches.changed(batch, Batches.CRC_AT, 0x55, false));
        ask(session, "magic 1", topic, 0, 1, Batches.changed(batch, Batches.MAGIC_AT, 1, false));
        ask(session, "magic 0", topic, 0, 1, Batches.changed(batch, Batches.MAGIC_AT, 0, false));
        ask(session, "magic 3", topic, 0, 1, Batches.changed(batch, Batches.MAGIC_AT, 3, false));
        ask(session, "cut short", topic, 0, 1, Batches.cut(batch, 3));
        ask(session, "cut in the header", topic, 0, 1, Batches.cut(batch, batch.sizeInBytes() - 30));
        ask(session, "two batches", topic, 0, 1, Batches.joined(batch, batch));
        ask(session, "batch and a half", topic, 0, 1, Batches.joined(batch, Batches.cut(batch, 3)));
        ask(session, "codec 5", topic, 0, 1, Batches.changed(batch, Batches.ATTRIBUTES_AT + 1, 5, true));
        ask(session, "says gzip, is not", topic, 0, 1, Batches.changed(batch, Batches.ATTRIBUTES_AT + 1, 1, true));
        ask(session, "control batch", topic, 0, 1, Batches.changed(batch, Batches.ATTRIBUTES_AT + 1, 0x20, true));
        ask(session, "transactional without producer id", topic, 0, 1, Batches.changed(batch, Batches.ATTRIBUTES_AT + 1, 0x10, true));
        ask(session, "delete horizon set", session.createTopic("produce-horizon", 1, KEEP), 0, 1, Batches.changed(batch, Batches.ATTRIBUTES_AT + 1, 0x40, true));
        ask(session, "unused attribute bits", topic, 0, 1, Batches.changed(batch, Batches.ATTRIBUTES_AT, 0x40, true));
        ask(session, "says log append time", topic, 0, 1, Batches.changed(batch, Batches.ATTRIBUTES_AT + 1, 0x08, true));
        ask(session, "record count 3 of 2", topic, 0, 1, Batches.changedInt(batch, Batches.RECORD_COUNT_AT, 3));
        ask(session, "record count 1 of 2", topic, 0, 1, Batches.changedInt(batch, Batches.RECORD_COUNT_AT, 1));
        ask(session, "record count 0", topic, 0, 1, Batches.changedInt(batch, Batches.RECORD_COUNT_AT, 0));
        ask(session, "record count -1", topic, 0, 1, Batches.changedInt(batch, Batches.RECORD_COUNT_AT, -1));
        ask(session, "last offset delta 5", topic, 0, 1, Batches.changedInt(batch, Batches.LAST_OFFSET_DELTA_AT, 5));
        ask(session, "max timestamp differs", topic, 0, 1, Batches.changedLong(batch, Batches.MAX_TIMESTAMP_AT, Batches.T0 + 1000));
        ask(session, "max timestamp -1", topic, 0, 1, Batches.changedLong(batch, Batches.MAX_TIMESTAMP_AT, -1));
        ask(session, "garbage after the batch", topic, 0, 1, Batches.joined(batch, MemoryRecords.readableRecords(ByteBuffer.allocate(20))));
        ask(session, "records not compressed, value sizes wrong", topic, 0, 1, Batches.changed(batch, 61, 0x7e, true));
    }

    private static void limits(Session session) throws IOException {
        Uuid topic = session.createTopic("produce-small", 1, Map.of("retention.ms", "-1", "max.message.bytes", "200", "segment.bytes", "1048576"));
        ask(session, "above max.message.bytes", topic, 0, 1, Batches.plain(Batches.record(Batches.T0, "x".repeat(200))));
        ask(session, "at max.message.bytes", topic, 0, 1, Batches.plain(Batches.record(Batches.T0, "x".repeat(129))));
        Uuid large = session.createTopic("produce-large", 1, Map.of("retention.ms", "-1", "max.message.bytes", "10000000", "segment.bytes", "1048576"));
        ask(session, "above segment.bytes", large, 0, 1, Batches.plain(Batches.record(Batches.T0, "x".repeat(1_100_000))));
        Uuid strict = session.createTopic("produce-min-isr", 1, Map.of("retention.ms", "-1", "min.insync.replicas", "2"));
        ask(session, "fewer replicas than min.insync.replicas, acks all", strict, 0, -1, Batches.plain(Batches.records(1)));
        ask(session, "fewer replicas than min.insync.replicas, acks 1", strict, 0, 1, Batches.plain(Batches.records(1)));
        Uuid zipped = session.createTopic("produce-gzip", 1, Map.of("retention.ms", "-1", "compression.type", "gzip"));
        ask(session, "topic compresses", zipped, 0, 1, Batches.plain(Batches.records(5)));
    }

    /** The offset of what comes next tells how many of them were appended. */
    private static void namedTwice(Session session) throws IOException {
        Uuid topic = session.createTopic("produce-twice", 1, KEEP);
        List<PartitionProduceData> partitions = List.of(part(0, 1), part(0, 3));
        ProduceRequestData twice = Batches.produce(topic, 0, 1, Batches.plain(Batches.records(1)));
        twice.topicData().iterator().next().setPartitionData(partitions);
        session.ask("a partition twice", ApiKeys.PRODUCE, twice);
        ask(session, "after a partition twice", topic, 0, 1, Batches.plain(Batches.records(1)));
    }

    private static PartitionProduceData part(int partition, int records) {
        return new PartitionProduceData().setIndex(partition).setRecords(Batches.plain(Batches.records(records)));
    }

    private static void timestamps(Session session) throws IOException {
        Uuid bounded = session.createTopic("produce-time", 1, Map.of("retention.ms", "-1", "message.timestamp.before.max.ms", "1000"));
        SimpleRecord[] mixed = {Batches.record(System.currentTimeMillis(), "now"), Batches.record(Batches.T0, "old")};
        ask(session, "too old, two of three", bounded, 0, 1,
            Batches.plain(Batches.record(Batches.T0, "a"), Batches.record(System.currentTimeMillis(), "b"), Batches.record(Batches.T0 + 1, "c")));
        ask(session, "one of two too old", bounded, 0, 1, Batches.plain(mixed));
        Uuid plain = session.createTopic("produce-future", 1, KEEP);
        ask(session, "two hours ahead", plain, 0, 1, Batches.plain(Batches.record(System.currentTimeMillis() + 7_200_000, "future")));
        ask(session, "timestamp -1", plain, 0, 1, Batches.plain(Batches.record(-1, "none")));
        Uuid appended = session.createTopic("produce-append-time", 1, Map.of("retention.ms", "-1", "message.timestamp.type", "LogAppendTime"));
        ask(session, "log append time", appended, 0, 1, Batches.plain(Batches.records(2)));
        ask(session, "batch marked log append time", appended, 0, 1, MemoryRecords.withRecords((byte) 2, 0L, Compression.NONE, TimestampType.CREATE_TIME, Batches.records(1)));
    }

    private static void compacted(Session session) throws IOException {
        Uuid topic = session.createTopic("produce-compact", 1, Map.of("cleanup.policy", "compact"));
        ask(session, "null key in a compacted topic", topic, 0, 1, Batches.plain(Batches.records(2)));
        ask(session, "one null key of two", topic, 0, 1, Batches.plain(
            new SimpleRecord(Batches.T0, "key".getBytes(), "value".getBytes()), Batches.record(Batches.T0, "no key")));
        ask(session, "keys in a compacted topic", topic, 0, 1, Batches.plain(new SimpleRecord(Batches.T0, "key".getBytes(), null)));
    }

    private static void producerIds(Session session) throws IOException {
        awaitProducerIds(session);
        for (short version = 0; version <= ApiKeys.INIT_PRODUCER_ID.latestVersion(false); version++)
            session.ask("a new producer id", ApiKeys.INIT_PRODUCER_ID, version, newProducer());
        session.ask("known id given, no transactional id", ApiKeys.INIT_PRODUCER_ID,
            newProducer().setProducerId(0).setProducerEpoch((short) 0));
        session.ask("id without epoch", ApiKeys.INIT_PRODUCER_ID,
            newProducer().setProducerId(5));
        session.ask("timeout 0 without transactional id", ApiKeys.INIT_PRODUCER_ID, newProducer().setTransactionTimeoutMs(0));
        session.ask("empty transactional id", ApiKeys.INIT_PRODUCER_ID,
            newProducer().setTransactionalId(""));
    }

    private static void idempotent(Session session) throws IOException {
        Uuid topic = session.createTopic("produce-idempotent", 1, KEEP);
        InitProducerIdResponseData made = session.ask("producer id", ApiKeys.INIT_PRODUCER_ID, newProducer());
        long id = made.producerId();
        ask(session, "first sequence 0", topic, 0, -1, Batches.idempotent(id, 0, 0, 2));
        for (int i = 1; i < 6; i++) ask(session, "sequence goes on", topic, 0, -1, Batches.idempotent(id, 0, 2 * i, 2));
        for (int i = 5; i >= 0; i--) ask(session, "duplicate, " + (5 - i) + " batches back", topic, 0, -1, Batches.idempotent(id, 0, 2 * i, 2));
        ask(session, "same first sequence, other count", topic, 0, -1, Batches.idempotent(id, 0, 10, 3));
        ask(session, "gap in the sequence", topic, 0, -1, Batches.idempotent(id, 0, 20, 1));
        ask(session, "new epoch, sequence 5", topic, 0, -1, Batches.idempotent(id, 1, 5, 1));
        ask(session, "new epoch, sequence 0", topic, 0, -1, Batches.idempotent(id, 1, 0, 1));
        ask(session, "old epoch", topic, 0, -1, Batches.idempotent(id, 0, 12, 1));
        ask(session, "unknown producer, sequence 7", topic, 0, -1, Batches.idempotent(id + 1000, 3, 7, 1));
        ask(session, "unknown producer goes on", topic, 0, -1, Batches.idempotent(id + 1000, 3, 8, 1));
        ask(session, "producer's sequence -1", topic, 0, -1, Batches.idempotent(id + 2000, 0, 0, 1));
        ask(session, "idempotent with acks 1", topic, 0, 1, Batches.idempotent(id, 1, 1, 1));
        ask(session, "two idempotent batches in one request", topic, 0, -1,
            Batches.joined(Batches.idempotent(id, 1, 2, 1), Batches.idempotent(id, 1, 3, 1)));
        ask(session, "sequence wraps: ends at the maximum", topic, 0, -1, Batches.idempotent(id + 3000, 0, Integer.MAX_VALUE, 1));
        ask(session, "sequence wraps: goes on at 0", topic, 0, -1, Batches.idempotent(id + 3000, 0, 0, 1));
        ask(session, "transactional without transaction", topic, 0, -1,
            MemoryRecords.withTransactionalRecords(Compression.NONE, id, (short) 1, 4, Batches.records(1)));
    }

    /** A broker that has no block of producer ids yet refuses with a retriable error until the controller gave it one. */
    private static void awaitProducerIds(Session session) throws IOException {
        for (int attempt = 0; attempt < 1000; attempt++) {
            InitProducerIdResponseData answer = (InitProducerIdResponseData) session.wire.exchange(ApiKeys.INIT_PRODUCER_ID, 5, newProducer());
            if (answer.errorCode() != Errors.COORDINATOR_LOAD_IN_PROGRESS.code()) return;
        }
        throw new IOException("the broker has no producer ids after 1000 requests");
    }

    /** For a producer that is idempotent only: the generated class's own default is an empty id, not none. */
    private static InitProducerIdRequestData newProducer() {
        return new InitProducerIdRequestData().setTransactionalId(null).setTransactionTimeoutMs(60_000);
    }

    private static void ask(Session session, String name, Uuid topic, int partition, int acks, BaseRecords records) throws IOException {
        session.ask(name, ApiKeys.PRODUCE, Batches.produce(topic, partition, acks, records));
    }
}
