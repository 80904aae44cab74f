package moldau.interop;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * `Transactions host:port topic write` fills the topic's partition 0 with transactions, committed, aborted, and one that
 * stays open, over several segments. `Transactions host:port topic read_committed` (or `read_uncommitted`) prints the
 * records up to the end that the broker tells, a name a line, and that end.
 */
public final class Transactions {
    private static final String PADDING = "x".repeat(30_000);

    private final String address;
    private final String topic;

    private Transactions(String address, String topic) {
        this.address = address;
        this.topic = topic;
    }

    public static void main(String[] arguments) {
        Transactions transactions = new Transactions(arguments[0], arguments[1]);
        if (arguments[2].equals("write")) {
            transactions.write();
            Runtime.getRuntime().halt(0);  // a producer that is closed ends its transaction
        }
        transactions.read(arguments[2]);
    }

    private void write() {
        KafkaProducer<String, String> one = producer("one");
        KafkaProducer<String, String> two = producer("two");
        KafkaProducer<String, String> plain = producer(null);
        one.initTransactions();
        two.initTransactions();
        send(plain, "plain-0", 1);
        one.beginTransaction();
        send(one, "committed-0", 1);
        two.beginTransaction();
        send(two, "aborted-0", 80);
        one.commitTransaction();
        send(plain, "plain-1", 1);
        two.abortTransaction();
        one.beginTransaction();
        send(one, "committed-1", 80);
        one.commitTransaction();
        two.beginTransaction();
        send(two, "aborted-1", 1);
        two.abortTransaction();
        one.beginTransaction();
        send(one, "open", 1);
        send(plain, "plain-2", 1);
    }

    private KafkaProducer<String, String> producer(String transactionalId) {
        Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", address));
        if (transactionalId != null) settings.put("transactional.id", transactionalId);
        return new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
    }

    private void send(KafkaProducer<String, String> producer, String name, int count) {
        for (int i = 0; i < count; ++i) producer.send(new ProducerRecord<>(topic, 0, null, name + " " + PADDING));
        producer.flush();
    }

    private void read(String isolation) {
        TopicPartition partition = new TopicPartition(topic, 0);
        Map<String, Object> settings = Map.of("bootstrap.servers", address, "isolation.level", isolation);
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            long end = consumer.endOffsets(List.of(partition)).get(partition);
            long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
            while (consumer.position(partition) < end && System.nanoTime() < deadline)
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofSeconds(1)))
                    System.out.println(record.offset() + " " + record.value().substring(0, record.value().indexOf(' ')));
            System.out.println("end " + end + ", read to " + consumer.position(partition));
        }
    }
}
