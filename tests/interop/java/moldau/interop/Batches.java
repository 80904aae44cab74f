package moldau.interop;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.message.ProduceRequestData.PartitionProduceData;
import org.apache.kafka.common.message.ProduceRequestData.TopicProduceData;
import org.apache.kafka.common.message.ProduceRequestData.TopicProduceDataCollection;
import org.apache.kafka.common.record.internal.BaseRecords;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.SimpleRecord;

/** Record batches, sound and broken, and Produce requests that hold them. */
public final class Batches {
    /** The timestamp of the first record; fixed, so that two brokers' answers can be compared. */
    public static final long T0 = 1_700_000_000_000L;

    // Positions of fields in a batch of magic 2.
    public static final int MAGIC_AT = 16;
    public static final int CRC_AT = 17;
    public static final int ATTRIBUTES_AT = 21;
    public static final int LAST_OFFSET_DELTA_AT = 23;
    public static final int MAX_TIMESTAMP_AT = 35;
    public static final int RECORD_COUNT_AT = 57;
    private static final int LENGTH_AT = 8;

    private Batches() {}

    public static SimpleRecord record(long timestamp, String value) {
        return new SimpleRecord(timestamp, null, value.getBytes(StandardCharsets.UTF_8));
    }

    /** `count` records, a millisecond apart from T0. */
    public static SimpleRecord[] records(int count) {
        SimpleRecord[] records = new SimpleRecord[count];
        for (int i = 0; i < count; i++) records[i] = record(T0 + i, "value-" + i);
        return records;
    }

    public static MemoryRecords plain(SimpleRecord... records) {
        return MemoryRecords.withRecords(Compression.NONE, records);
    }

    public static MemoryRecords idempotent(long producerId, int epoch, int sequence, int count) {
        return MemoryRecords.withIdempotentRecords(Compression.NONE, producerId, (short) epoch, sequence, records(count));
    }

    /** A copy of the batch with one byte changed and, where asked for, a CRC that fits again. */
    public static MemoryRecords changed(MemoryRecords batch, int at, int value, boolean renewCrc) {
        ByteBuffer bytes = copy(batch);
        bytes.put(at, (byte) value);
        if (renewCrc) renewCrc(bytes);
        return MemoryRecords.readableRecords(bytes);
    }

    public static MemoryRecords changedInt(MemoryRecords batch, int at, int value) {
        ByteBuffer bytes = copy(batch);
        bytes.putInt(at, value);
        renewCrc(bytes);
        return MemoryRecords.readableRecords(bytes);
    }

    public static MemoryRecords changedLong(MemoryRecords batch, int at, long value) {
        ByteBuffer bytes = copy(batch);
        bytes.putLong(at, value);
        renewCrc(bytes);
        return MemoryRecords.readableRecords(bytes);
    }

    /** The batch without its last `bytes` bytes; its length field stays as it was. */
    public static MemoryRecords cut(MemoryRecords batch, int bytes) {
        ByteBuffer whole = copy(batch);
        whole.limit(whole.limit() - bytes);
        return MemoryRecords.readableRecords(whole.slice());
    }

    public static MemoryRecords joined(MemoryRecords first, MemoryRecords second) {
        ByteBuffer both = ByteBuffer.allocate(first.sizeInBytes() + second.sizeInBytes());
        both.put(first.buffer().duplicate()).put(second.buffer().duplicate()).flip();
        return MemoryRecords.readableRecords(both);
    }

    /** A Produce request of version 13 and above: topics by id. */
    public static ProduceRequestData produce(Uuid topic, int partition, int acks, BaseRecords records) {
        return produce(new TopicProduceData().setTopicId(topic), partition, acks, records);
    }

    /** A Produce request below version 13: topics by name. */
    public static ProduceRequestData produce(String topic, int partition, int acks, BaseRecords records) {
        return produce(new TopicProduceData().setName(topic), partition, acks, records);
    }

    private static ProduceRequestData produce(TopicProduceData topic, int partition, int acks, BaseRecords records) {
        topic.setPartitionData(List.of(new PartitionProduceData().setIndex(partition).setRecords(records)));
        TopicProduceDataCollection topics = new TopicProduceDataCollection();
        topics.add(topic);
        return new ProduceRequestData().setAcks((short) acks).setTimeoutMs(10_000).setTopicData(topics);
    }

    private static ByteBuffer copy(MemoryRecords batch) {
        ByteBuffer bytes = ByteBuffer.allocate(batch.sizeInBytes());
        bytes.put(batch.buffer().duplicate()).flip();
        return bytes;
    }

    private static void renewCrc(ByteBuffer batch) {
        java.util.zip.CRC32C crc = new java.util.zip.CRC32C();
        crc.update(batch.duplicate().position(ATTRIBUTES_AT).limit(LENGTH_AT + 4 + batch.getInt(LENGTH_AT)));
        batch.putInt(CRC_AT, (int) crc.getValue());
    }
}
