package moldau.interop;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.AlterConfigOp.OpType;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.message.FetchRequestData;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * What a Java program does with a broker, checked at each step: `Client host:port`. For every codec, plain and
 * idempotent: a topic is made, filled, read back by assigned partitions, searched by time, altered and deleted.
 */
public final class Client {
    private static final int PARTITIONS = 2;
    private static final int RECORDS = 500;
    private static final long T0 = 1_700_000_000_000L;

    private final String address;
    private final Admin admin;

    private Client(String address, Admin admin) {
        this.address = address;
        this.admin = admin;
    }

    public static void main(String[] arguments) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", arguments[0], "request.timeout.ms", "15000"))) {
            Client client = new Client(arguments[0], admin);
            for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd"))
                for (boolean idempotent : new boolean[] {false, true}) client.round(codec, idempotent);
        }
    }

    private void round(String codec, boolean idempotent) throws Exception {
        String topic = "java-" + codec + (idempotent ? "-idempotent" : "-plain");
        Uuid id = admin.createTopics(List.of(new NewTopic(topic, PARTITIONS, (short) 1).configs(Map.of("retention.ms", "-1"))))
            .topicId(topic).get(20, TimeUnit.SECONDS);
        List<byte[]> values = values(codec.hashCode());
        produce(topic, codec, idempotent, values);
        consume(topic, values);
        storedBatches(topic, id, codec, idempotent);
        offsetsForTimes(topic);
        alter(topic);
        delete(topic);
        System.out.println("ok " + topic);
    }

    /** Values of every size up to a kilobyte; half of each is random, half compresses. */
    private static List<byte[]> values(int seed) {
        Random random = new Random(seed);
        List<byte[]> values = new ArrayList<>();
        for (int i = 0; i < RECORDS; i++) {
            byte[] value = new byte[random.nextInt(1024)];
            random.nextBytes(value);
            java.util.Arrays.fill(value, 0, value.length / 2, (byte) 'x');
            values.add(value);
        }
        return values;
    }

    private void produce(String topic, String codec, boolean idempotent, List<byte[]> values) throws Exception {
        Properties properties = new Properties();
        // Without idempotence a retry overtakes unless one request alone is in flight.
        properties.put("max.in.flight.requests.per.connection", idempotent ? "5" : "1");
        properties.putAll(Map.of("bootstrap.servers", address, "compression.type", codec, "linger.ms", "20", "batch.size", "8192",
            "enable.idempotence", String.valueOf(idempotent), "acks", idempotent ? "all" : "1", "delivery.timeout.ms", "20000",
            "request.timeout.ms", "10000"));
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
            List<Future<RecordMetadata>> acknowledged = new ArrayList<>();
            for (int i = 0; i < RECORDS; i++)
                acknowledged.add(producer.send(new ProducerRecord<>(topic, i % PARTITIONS, T0 + i, i % 3 == 0 ? null : key(i), values.get(i),
                    List.of(new RecordHeader("number", key(i)), new RecordHeader("none", (byte[]) null)))));
            for (int i = 0; i < RECORDS; i++) {
                RecordMetadata metadata = acknowledged.get(i).get(20, TimeUnit.SECONDS);
                check(metadata.offset() == i / PARTITIONS, topic + ": record " + i + " has offset " + metadata.offset());
            }
        }
    }

    private void consume(String topic, List<byte[]> values) {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
            consumer.assign(partitions(topic));
            consumer.seekToBeginning(partitions(topic));
            int count = 0;
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (count < RECORDS && System.nanoTime() < deadline)
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500))) {
                    checkRecord(record, values);
                    count++;
                }
            check(count == RECORDS, topic + ": " + count + " records of " + RECORDS);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions(topic));
            for (TopicPartition partition : partitions(topic))
                check(ends.get(partition) == RECORDS / PARTITIONS, "end offset of " + partition + " is " + ends.get(partition));
        }
    }

    private static void checkRecord(ConsumerRecord<byte[], byte[]> record, List<byte[]> values) {
        int i = (int) record.offset() * PARTITIONS + record.partition();
        check(java.util.Arrays.equals(record.value(), values.get(i)), "value of record " + i);
        check(java.util.Arrays.equals(record.key(), i % 3 == 0 ? null : key(i)), "key of record " + i);
        check(record.timestamp() == T0 + i, "timestamp of record " + i + " is " + record.timestamp());
        check(java.util.Arrays.equals(record.headers().lastHeader("number").value(), key(i)), "header of record " + i);
        check(record.headers().lastHeader("none").value() == null, "null header of record " + i);
    }

    /** The batches as they are stored keep the producer's codec and identity. */
    private void storedBatches(String topic, Uuid id, String codec, boolean idempotent) throws Exception {
        FetchRequestData request = new FetchRequestData().setMaxWaitMs(500).setMinBytes(1).setMaxBytes(50 << 20).setSessionEpoch(-1)
            .setTopics(List.of(new FetchRequestData.FetchTopic().setTopicId(id).setPartitions(List.of(
                new FetchRequestData.FetchPartition().setPartition(0).setFetchOffset(0).setPartitionMaxBytes(50 << 20)))));
        Set<String> codecs = new TreeSet<>();
        try (Wire wire = new Wire(address)) {
            FetchResponseData answer = (FetchResponseData) wire.exchange(ApiKeys.FETCH, 13, request);
            for (MutableRecordBatch batch : ((MemoryRecords) answer.responses().get(0).partitions().get(0).records()).batches()) {
                batch.ensureValid();
                codecs.add(batch.compressionType().name);
                check(batch.hasProducerId() == idempotent, topic + ": a batch has producer id " + batch.producerId());
            }
        }
        check(codecs.equals(Set.of(codec)), topic + " is stored with " + codecs);
    }

    private void offsetsForTimes(String topic) {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
            Map<TopicPartition, Long> times = new HashMap<>();
            times.put(new TopicPartition(topic, 0), T0 + 101);
            times.put(new TopicPartition(topic, 1), T0 + RECORDS);
            Map<TopicPartition, OffsetAndTimestamp> found = consumer.offsetsForTimes(times);
            OffsetAndTimestamp first = found.get(new TopicPartition(topic, 0));
            check(first != null && first.offset() == 51 && first.timestamp() == T0 + 102, topic + ": time T0 + 101 is found at " + first);
            check(found.get(new TopicPartition(topic, 1)) == null, topic + ": a time after the last record is found");
        }
    }

    private void alter(String topic) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        admin.incrementalAlterConfigs(Map.of(resource, List.of(
            new AlterConfigOp(new ConfigEntry("retention.ms", "12345678"), OpType.SET)))).all().get(20, TimeUnit.SECONDS);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        String value = null;
        while (!"12345678".equals(value) && System.nanoTime() < deadline)
            value = admin.describeConfigs(List.of(resource)).all().get(20, TimeUnit.SECONDS).get(resource).get("retention.ms").value();
        check("12345678".equals(value), topic + ": retention.ms is " + value + " after being set to 12345678");
    }

    private void delete(String topic) throws Exception {
        admin.deleteTopics(List.of(topic)).all().get(20, TimeUnit.SECONDS);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (admin.listTopics().names().get(20, TimeUnit.SECONDS).contains(topic))
            check(System.nanoTime() < deadline, topic + " is still listed 10 s after its deletion");
        try {
            admin.describeTopics(List.of(topic)).allTopicNames().get(20, TimeUnit.SECONDS);
            check(false, topic + " is described after its deletion");
        } catch (ExecutionException e) {
            check(e.getCause() instanceof org.apache.kafka.common.errors.UnknownTopicOrPartitionException, topic + " deleted: " + e.getCause());
        }
    }

    private KafkaConsumer<byte[], byte[]> consumer() {
        Properties properties = new Properties();
        properties.putAll(Map.of("bootstrap.servers", address, "enable.auto.commit", "false", "request.timeout.ms", "15000",
            "default.api.timeout.ms", "20000"));
        return new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private static List<TopicPartition> partitions(String topic) {
        return List.of(new TopicPartition(topic, 0), new TopicPartition(topic, 1));
    }

    private static byte[] key(int i) {
        return ("key-" + i).getBytes();
    }

    private static void check(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
    }
}
