// Writes and reads logs through Apache Kafka's own classes (4.3).
//
//   java -cp '<Apache Kafka's libs>/*' LogGolden.java write <partition directory>   makes the files beside this one
//   java -cp '<Apache Kafka's libs>/*' LogGolden.java read <partition directory>    prints what Kafka finds in it; the
//                                                                                   directory is recovered and closed

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.common.RequestLocal;
import org.apache.kafka.server.util.KafkaScheduler;
import org.apache.kafka.storage.internals.log.AppendOrigin;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.apache.kafka.storage.internals.log.LogDirFailureChannel;
import org.apache.kafka.storage.internals.log.LogSegment;
import org.apache.kafka.storage.internals.log.ProducerStateManagerConfig;
import org.apache.kafka.storage.internals.log.UnifiedLog;
import org.apache.kafka.storage.internals.log.VerificationGuard;
import org.apache.kafka.storage.log.metrics.BrokerTopicStats;

public class LogGolden {
    static final long TIME = 1_700_000_000_000L;

    static UnifiedLog open(File directory, Map<String, String> settings, boolean clean, Optional<Uuid> id) throws Exception {
        KafkaScheduler scheduler = new KafkaScheduler(1);
        scheduler.startup();
        return UnifiedLog.create(directory, new LogConfig(settings), 0L, 0L, scheduler, new BrokerTopicStats(), Time.SYSTEM, 300_000,
            new ProducerStateManagerConfig(Integer.MAX_VALUE, false), 60_000, new LogDirFailureChannel(1), clean, id);
    }

    static SimpleRecord record(int i) {
        return new SimpleRecord(TIME + i * 10L, ("k" + i).getBytes(StandardCharsets.UTF_8),
            ("value " + i).getBytes(StandardCharsets.UTF_8));
    }

    static void write(File directory) throws Exception {
        Map<String, String> settings = Map.of("internal.segment.bytes", "1024", "index.interval.bytes", "100",
            "segment.index.bytes", "1200", "retention.ms", "-1");
        UnifiedLog log = open(directory, settings, true, Optional.of(new Uuid(1, 2)));
        for (int i = 0; i < 40; i++)
            log.appendAsLeader(MemoryRecords.withIdempotentRecords(Compression.NONE, 7L, (short) 1, i, record(i)), i / 20);
        log.appendAsLeader(MemoryRecords.withTransactionalRecords(Compression.NONE, 8L, (short) 0, 0, record(40), record(41)), 2);
        log.appendAsLeader(MemoryRecords.withEndTransactionMarker(TIME + 420, 8L, (short) 0,
            new EndTransactionMarker(ControlRecordType.ABORT, 3)), 2, AppendOrigin.COORDINATOR, RequestLocal.noCaching(),
            VerificationGuard.SENTINEL, (short) 0);
        log.appendAsLeader(MemoryRecords.withTransactionalRecords(Compression.NONE, 8L, (short) 0, 2, record(43)), 2);
        log.flush(true);
        log.close();
    }

    static void read(File directory) throws Exception {
        UnifiedLog log = open(directory, Map.of("retention.ms", "-1"), new File(directory, "clean").exists(), Optional.empty());
        System.out.println("end " + log.logEndOffset() + " segments " + log.numberOfSegments());
        System.out.println("epochs " + log.leaderEpochCache().epochWithOffsets());
        System.out.println("producers " + new TreeMap<>(log.activeProducersWithLastSequence()));
        long batches = 0;
        for (LogSegment segment : log.logSegments())
            for (RecordBatch batch : segment.log().batches()) {
                batch.ensureValid();
                batches++;
            }
        System.out.println("batches " + batches);
        log.close();
    }

    public static void main(String[] arguments) throws Exception {
        File directory = new File(arguments[1]);
        directory.mkdirs();
        if (arguments[0].equals("write"))
            write(directory);
        else
            read(directory);
        System.exit(0);
    }
}
