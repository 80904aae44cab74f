// Writes batches with Apache Kafka's own classes, and reads those that Moldau wrote.
//
//   java -cp '<kafka libs>/*' GoldenBatches.java write <directory>   <name>.bin, <name>.txt and verdicts.txt
//   java -cp '<kafka libs>/*' GoldenBatches.java check <directory>   each <name>.bin must hold what <name>.txt says
//
// Sources of the texts' form: describe() below, and its counterpart describe.h.

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.message.LeaderChangeMessage;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.DefaultRecordBatch;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.requests.ProduceRequest;
import org.apache.kafka.common.utils.BufferSupplier;
import org.apache.kafka.common.utils.ByteBufferOutputStream;
import org.apache.kafka.common.utils.Crc32C;
import org.apache.kafka.common.utils.PrimitiveRef;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.storage.internals.log.AppendOrigin;
import org.apache.kafka.storage.internals.log.LogValidator;
import org.apache.kafka.storage.internals.log.RecordValidationException;

public class GoldenBatches {
    static final CompressionType[] CODECS = {
        CompressionType.NONE, CompressionType.GZIP, CompressionType.SNAPPY, CompressionType.LZ4, CompressionType.ZSTD};
    static final long NOW = 1_700_000_100_000L;
    static final long BASE_TIME = 1_700_000_000_000L;

    public static void main(String[] args) throws Exception {
        Path directory = Path.of(args[1]);
        if (args[0].equals("check")) {
            check(directory);
            return;
        }
        writeBatches(directory);
        Files.write(directory.resolve("verdicts.txt"), verdicts());
    }

    // ---- batches

    static byte[] utf8(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    static MemoryRecordsBuilder builder(CompressionType codec, TimestampType type, long baseOffset, long producerId,
            short producerEpoch, int sequence, boolean transactional, boolean control, int leaderEpoch,
            long deleteHorizon) {
        return new MemoryRecordsBuilder(new ByteBufferOutputStream(1024), (byte) 2, Compression.of(codec).build(), type,
            baseOffset, NOW, producerId, producerEpoch, sequence, transactional, control, leaderEpoch, 1 << 20,
            deleteHorizon);
    }

    static MemoryRecordsBuilder plain(CompressionType codec) {
        return builder(codec, TimestampType.CREATE_TIME, 0, -1, (short) -1, -1, false, false, -1, -1);
    }

    static void fill(MemoryRecordsBuilder builder) {
        Header[] headers = {new RecordHeader("trace", utf8("abc")), new RecordHeader("null", (byte[]) null),
            new RecordHeader("", new byte[0])};
        builder.append(BASE_TIME, utf8("key"), utf8("value"));
        builder.append(BASE_TIME + 5, utf8("tombstone"), null);
        builder.append(BASE_TIME - 70_000, (byte[]) null, utf8("no key, earlier"));
        builder.append(BASE_TIME + 9, new byte[0], new byte[0], headers);
        builder.append(BASE_TIME + 7, utf8("größer"), utf8("x".repeat(300)));
    }

    static void save(Path directory, String name, MemoryRecords records) throws Exception {
        Files.write(directory.resolve(name + ".bin"), bytes(records));
        Files.write(directory.resolve(name + ".txt"), describe(records));
    }

    static byte[] bytes(MemoryRecords records) {
        ByteBuffer buffer = records.buffer().duplicate();
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return bytes;
    }

    static void writeBatches(Path directory) throws Exception {
        for (CompressionType codec : CODECS) {
            MemoryRecordsBuilder create = plain(codec);
            fill(create);
            save(directory, codec.name + "_create_time", create.build());
            MemoryRecordsBuilder full = builder(codec, TimestampType.LOG_APPEND_TIME, 5_000_000_000L, 4711, (short) 3,
                2_147_483_646, true, false, 12, -1);
            fill(full);
            save(directory, codec.name + "_append_time_transactional", full.build());
            MemoryRecordsBuilder large = plain(codec);
            for (int i = 0; i < 40; ++i)
                large.append(BASE_TIME + i, utf8("k" + i % 10), utf8(("value " + i * 7919).repeat(500)));
            if (codec != CompressionType.NONE) save(directory, codec.name + "_large", large.build());
        }
        MemoryRecordsBuilder idempotent = builder(CompressionType.NONE, TimestampType.CREATE_TIME, 77, 9, (short) 0, 0,
            false, false, 1, -1);
        fill(idempotent);
        save(directory, "idempotent", idempotent.build());
        MemoryRecordsBuilder horizon = builder(CompressionType.NONE, TimestampType.CREATE_TIME, 300, -1, (short) -1, -1,
            false, false, 4, BASE_TIME + 86_400_000L);
        horizon.appendWithOffset(302, BASE_TIME, utf8("gone"), null);
        horizon.appendWithOffset(1302, BASE_TIME + 1, utf8("kept"), utf8("v"));
        horizon.overrideLastOffset(1400);
        save(directory, "delete_horizon", horizon.build());
        ByteBuffer empty = ByteBuffer.allocate(DefaultRecordBatch.RECORD_BATCH_OVERHEAD);
        DefaultRecordBatch.writeEmptyHeader(empty, (byte) 2, 9, (short) 1, 5, 40, 44, 6, TimestampType.CREATE_TIME,
            BASE_TIME, true, false);
        empty.flip();
        save(directory, "empty", MemoryRecords.readableRecords(empty));
        for (ControlRecordType type : new ControlRecordType[] {ControlRecordType.ABORT, ControlRecordType.COMMIT})
            save(directory, "marker_" + type.name().toLowerCase(), MemoryRecords.withEndTransactionMarker(88, BASE_TIME,
                7, 4711, (short) 3, new EndTransactionMarker(type, 21)));
        LeaderChangeMessage leader = new LeaderChangeMessage().setLeaderId(1)
            .setVoters(List.of(new LeaderChangeMessage.Voter().setVoterId(1)))
            .setGrantingVoters(List.of(new LeaderChangeMessage.Voter().setVoterId(1)));
        save(directory, "leader_change", MemoryRecords.withLeaderChangeMessage(0, BASE_TIME, 1,
            ByteBuffer.allocate(256), leader));
        MemoryRecordsBuilder first = plain(CompressionType.NONE);
        fill(first);
        MemoryRecordsBuilder second = builder(CompressionType.ZSTD, TimestampType.CREATE_TIME, 5, -1, (short) -1, -1,
            false, false, 0, -1);
        fill(second);
        byte[] a = bytes(first.build());
        byte[] b = bytes(second.build());
        ByteBuffer both = ByteBuffer.allocate(a.length + b.length).put(a).put(b);
        both.flip();
        save(directory, "two_batches", MemoryRecords.readableRecords(both));
    }

    // ---- descriptions

    static String hex(ByteBuffer bytes) {
        if (bytes == null) return "null";
        byte[] copy = new byte[bytes.remaining()];
        bytes.duplicate().get(copy);
        if (copy.length > 64) return String.format("%dbytes-crc32c-%08x", copy.length, Crc32C.compute(copy, 0, copy.length));
        return "x" + HexFormat.of().formatHex(copy);
    }

    static List<String> describe(MemoryRecords records) {
        List<String> lines = new ArrayList<>();
        for (MutableRecordBatch batch : records.batches()) {
            batch.ensureValid();
            DefaultRecordBatch v2 = (DefaultRecordBatch) batch;
            lines.add(String.format("batch offsets=%d..%d size=%d epoch=%d codec=%s type=%d transactional=%d control=%d "
                    + "horizon=%d base_timestamp=%d max_timestamp=%d producer=%d/%d sequence=%d..%d count=%d",
                batch.baseOffset(), batch.lastOffset(), batch.sizeInBytes(), batch.partitionLeaderEpoch(),
                batch.compressionType().name, batch.timestampType().id, batch.isTransactional() ? 1 : 0,
                batch.isControlBatch() ? 1 : 0, batch.deleteHorizonMs().orElse(-1), v2.baseTimestamp(),
                batch.maxTimestamp(), batch.producerId(), batch.producerEpoch(), batch.baseSequence(),
                batch.lastSequence(), batch.countOrNull()));
            for (Record record : batch) {
                StringBuilder line = new StringBuilder(String.format("record offset=%d timestamp=%d key=%s value=%s",
                    record.offset(), record.timestamp(), hex(record.key()), hex(record.value())));
                for (Header header : record.headers())
                    line.append(" ").append(hex(ByteBuffer.wrap(utf8(header.key())))).append(":")
                        .append(header.value() == null ? "null" : hex(ByteBuffer.wrap(header.value())));
                lines.add(line.toString());
            }
        }
        return lines;
    }

    static void check(Path directory) throws Exception {
        int checked = 0;
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*.bin")) {
            for (Path file : files) {
                List<String> found = describe(MemoryRecords.readableRecords(ByteBuffer.wrap(Files.readAllBytes(file))));
                Path text = Path.of(file.toString().replaceAll("\\.bin$", ".txt"));
                if (!found.equals(Files.readAllLines(text)))
                    throw new AssertionError(file + ": Kafka reads\n" + String.join("\n", found));
                ++checked;
            }
        }
        if (checked == 0) throw new AssertionError("no batches in " + directory);
        System.out.println(checked + " files read as described");
    }

    // ---- verdicts: what Kafka's checks say of a produced batch, and what they make of it

    static class Case {
        String name;
        byte[] batch;
        TimestampType type = TimestampType.CREATE_TIME;
        long beforeMs = Long.MAX_VALUE;
        long afterMs = 3_600_000;
        boolean compacted = false;
        CompressionType target;  // null: the producer's

        Case(String name, byte[] batch) {
            this.name = name;
            this.batch = batch.clone();
        }
        Case appendTime() { type = TimestampType.LOG_APPEND_TIME; return this; }
        Case within(long before, long after) { beforeMs = before; afterMs = after; return this; }
        Case compact() { compacted = true; return this; }
        Case to(CompressionType codec) { target = codec; return this; }
    }

    static final LogValidator.MetricsRecorder NO_METRICS = new LogValidator.MetricsRecorder() {
        public void recordInvalidMagic() {}
        public void recordInvalidOffset() {}
        public void recordInvalidSequence() {}
        public void recordInvalidChecksums() {}
        public void recordNoKeyCompactedTopic() {}
    };

    static String judge(Case test) {
        String input = HexFormat.of().formatHex(test.batch);
        int error = 0;
        String indexes = "-";
        String result = "-";
        try {
            MemoryRecords records = MemoryRecords.readableRecords(ByteBuffer.wrap(test.batch.clone()));
            ProduceRequest.validateRecords((short) 12, records);
            MutableRecordBatch batch = records.batches().iterator().next();
            if (batch.baseOffset() != 0) throw Errors.INVALID_RECORD.exception();
            batch.ensureValid();
            CompressionType source = CompressionType.forId(batch.compressionType().id);
            CompressionType target = test.target == null ? source : test.target;
            Time fixed = new org.apache.kafka.common.utils.Time() {
                public long milliseconds() { return NOW; }
                public long nanoseconds() { return 0; }
                public void sleep(long ms) {}
                public void waitObject(Object o, java.util.function.Supplier<Boolean> c, long d) {}
                public org.apache.kafka.common.utils.Timer timer(long ms) { return null; }
            };
            LogValidator validator = new LogValidator(records, new TopicPartition("t", 0), fixed, source,
                Compression.of(target).build(), test.compacted, (byte) 2, test.type, test.beforeMs, test.afterMs, 6,
                AppendOrigin.CLIENT);
            LogValidator.ValidationResult validated = validator.validateMessagesAndAssignOffsets(
                PrimitiveRef.ofLong(1000), NO_METRICS, BufferSupplier.NO_CACHING);
            result = HexFormat.of().formatHex(bytes(validated.validatedRecords()));
        } catch (RecordValidationException refused) {
            error = Errors.forException(refused.invalidException()).code();
            indexes = String.join(",", refused.recordErrors().stream().map(e -> "" + e.batchIndex).toList());
        } catch (ApiException refused) {
            error = Errors.forException(refused).code();
        } catch (RuntimeException unforeseen) {
            error = Errors.UNKNOWN_SERVER_ERROR.code();
        }
        return String.join(" ", test.name, "" + test.type.id, "" + test.beforeMs, "" + test.afterMs,
            test.compacted ? "1" : "0", test.target == null ? "producer" : test.target.name, input, "" + error, indexes,
            result);
    }

    static byte[] with(byte[] batch, int position, int length, long value) {
        byte[] changed = batch.clone();
        for (int i = 0; i < length; ++i) changed[position + i] = (byte) (value >> (8 * (length - 1 - i)));
        return sealed(changed);
    }

    static byte[] sealed(byte[] batch) {
        long crc = Crc32C.compute(batch, 21, batch.length - 21);
        ByteBuffer.wrap(batch).putInt(17, (int) crc);
        return batch;
    }

    static byte[] sample(CompressionType codec, TimestampType type, boolean keys) {
        MemoryRecordsBuilder builder = builder(codec, type, 0, 5, (short) 0, 0, false, false, -1, -1);
        builder.append(BASE_TIME, utf8("k"), utf8("v"));
        builder.append(BASE_TIME + 2, keys ? utf8("k") : null, utf8("vv"),
            new Header[] {new RecordHeader("h", utf8("x"))});
        builder.append(BASE_TIME + 1, keys ? utf8("k") : null, null);
        return bytes(builder.build());
    }

    static List<String> verdicts() {
        List<Case> cases = new ArrayList<>();
        for (CompressionType codec : CODECS) {
            String name = codec.name;
            byte[] good = sample(codec, TimestampType.CREATE_TIME, true);
            cases.add(new Case(name + "_good", good));
            cases.add(new Case(name + "_append_time", good).appendTime());
            cases.add(new Case(name + "_no_keys", sample(codec, TimestampType.CREATE_TIME, false)).compact());
            cases.add(new Case(name + "_keys", good).compact());
            cases.add(new Case(name + "_claims_append_time", sample(codec, TimestampType.LOG_APPEND_TIME, true)));
            cases.add(new Case(name + "_claims_append_time_too", sample(codec, TimestampType.LOG_APPEND_TIME, true))
                .appendTime());
            cases.add(new Case(name + "_all_too_old", good).within(1_000, 1_000));
            cases.add(new Case(name + "_first_too_old", good).within(NOW - BASE_TIME - 1, 1_000));
            cases.add(new Case(name + "_max_timestamp_missing", with(good, 35, 8, -1)));
            cases.add(new Case(name + "_far_future", with(good, 27, 8, Long.MAX_VALUE - 1)));
            cases.add(new Case(name + "_far_past", with(good, 27, 8, Long.MIN_VALUE)));
            cases.add(new Case(name + "_count_more", with(with(good, 57, 4, 4), 23, 4, 3)));
            cases.add(new Case(name + "_count_less", with(with(good, 57, 4, 2), 23, 4, 1)));
            cases.add(new Case(name + "_control", with(good, 21, 2, good[22] | 0x20)));
            cases.add(new Case(name + "_transactional", with(good, 21, 2, good[22] | 0x10)));
            cases.add(new Case(name + "_horizon", with(good, 21, 2, good[22] | 0x40)));
            cases.add(new Case(name + "_horizon_append_time", with(good, 21, 2, good[22] | 0x40)).appendTime());
            cases.add(new Case(name + "_unknown_bits", with(good, 21, 2, good[22] | 0x7f00)));
            cases.add(new Case(name + "_no_sequence", with(good, 53, 4, -1)));
            cases.add(new Case(name + "_producer_minus_two", with(with(good, 43, 8, -2), 53, 4, -1)));
            cases.add(new Case(name + "_base_offset", with(good, 0, 8, 3)));
            cases.add(new Case(name + "_bad_crc", new Case("", good).batch));
            cases.get(cases.size() - 1).batch[17] ^= 1;
            for (CompressionType target : CODECS) cases.add(new Case(name + "_to_" + target.name, good).to(target));
        }
        byte[] good = sample(CompressionType.NONE, TimestampType.CREATE_TIME, true);
        for (int codec = 5; codec < 8; ++codec) cases.add(new Case("codec_" + codec, with(good, 21, 2, codec)));
        for (int position = 21; position < good.length; ++position) {
            for (int bit : new int[] {position % 8, (position + 3) % 8}) {
                byte[] flipped = good.clone();
                flipped[position] ^= (byte) (1 << bit);
                cases.add(new Case("flip_" + position + "_" + bit, sealed(flipped)));
            }
        }
        for (int magic = -1; magic < 4; ++magic) cases.add(new Case("magic_" + magic, with(good, 16, 1, magic)));
        for (int length : new int[] {-1, 0, 13, 14, 48, good.length - 13, good.length - 11, Integer.MAX_VALUE})
            cases.add(new Case("length_" + length, with(good, 8, 4, length)));
        return cases.stream().map(GoldenBatches::judge).toList();
    }
}
