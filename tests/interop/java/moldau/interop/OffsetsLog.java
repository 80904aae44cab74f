package moldau.interop;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.util.Arrays;
import java.util.Comparator;
import org.apache.kafka.common.record.internal.FileRecords;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.coordinator.common.runtime.CoordinatorRecord;
import org.apache.kafka.coordinator.group.GroupCoordinatorRecordSerde;
import org.apache.kafka.coordinator.group.generated.CoordinatorRecordJsonConverters;

/** Prints what a stopped broker has written to `__consumer_offsets`, a line of JSON for each record: `OffsetsLog data-directory`. */
public final class OffsetsLog {
    private static final String TOPIC = "__consumer_offsets";

    private OffsetsLog() {}

    public static void main(String[] arguments) throws Exception {
        File[] partitions = new File(arguments[0]).listFiles((directory, name) -> name.startsWith(TOPIC + "-"));
        Arrays.sort(partitions, Comparator.comparingInt(OffsetsLog::partition));
        for (File directory : partitions) {
            File[] segments = directory.listFiles((parent, name) -> name.endsWith(".log"));
            Arrays.sort(segments);
            for (File segment : segments)
                try (FileRecords records = FileRecords.open(segment, false)) {
                    for (RecordBatch batch : records.batches()) {
                        batch.ensureValid();
                        for (Record record : batch) System.out.println(line(partition(directory), batch, record));
                    }
                }
        }
    }

    private static int partition(File directory) {
        return Integer.parseInt(directory.getName().substring(TOPIC.length() + 1));
    }

    private static ObjectNode line(int partition, RecordBatch batch, Record record) {
        CoordinatorRecord decoded = new GroupCoordinatorRecordSerde().deserialize(record.key(), record.value());
        ObjectNode line = Json.MAPPER.createObjectNode().put("partition", partition).put("offset", record.offset())
            .put("codec", batch.compressionType().name).put("timestampType", batch.timestampType().name)
            .put("producerId", batch.producerId()).put("transactional", batch.isTransactional()).put("control", batch.isControlBatch())
            .put("headers", record.headers().length).put("timestamp", record.timestamp());
        line.put("keyType", decoded.key().apiKey());
        line.set("key", CoordinatorRecordJsonConverters.writeRecordKeyAsJson(decoded.key()));
        if (decoded.value() == null) return line.putNull("value");
        line.put("valueVersion", decoded.value().version());
        line.set("value", CoordinatorRecordJsonConverters.writeRecordValueAsJson(decoded.value().message(), decoded.value().version()));
        return line;
    }
}
