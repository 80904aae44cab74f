package moldau.interop;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.PrintStream;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopic;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopicConfig;
import org.apache.kafka.common.message.CreateTopicsResponseData;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.message.ListOffsetsRequestData;
import org.apache.kafka.common.message.ListOffsetsResponseData;
import org.apache.kafka.common.message.MetadataRequestData;
import org.apache.kafka.common.message.MetadataResponseData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.Record;

/** A connection on which cases are asked; each question and its answer become one line of JSON on `out`. */
public final class Session implements Closeable {
    public final String address;
    public final PrintStream out;
    public Wire wire;

    public Session(String address, PrintStream out) throws IOException {
        this.address = address;
        this.out = out;
        this.wire = new Wire(address);
    }

    /** Asks at the highest stable version. */
    @SuppressWarnings("unchecked")
    public <T extends ApiMessage> T ask(String name, ApiKeys api, ApiMessage request) throws IOException {
        return (T) ask(name, api, api.latestVersion(false), request);
    }

    public ApiMessage ask(String name, ApiKeys api, int version, ApiMessage request) throws IOException {
        return new Asked(name, api, version, request, wire).answer();
    }

    /** Asks on a connection of its own, for what waits for others' questions; recorded when `answer()` is called. */
    public Asked askAside(String name, ApiKeys api, int version, ApiMessage request) throws IOException {
        return new Asked(name, api, version, request, new Wire(address));
    }

    /** A question on its way. */
    public final class Asked {
        private final ApiKeys api;
        private final int version;
        private final Wire asked;
        private final ObjectNode line;

        private Asked(String name, ApiKeys api, int version, ApiMessage request, Wire asked) throws IOException {
            this.api = api;
            this.version = version;
            this.asked = asked;
            line = Json.MAPPER.createObjectNode().put("case", name).put("api", api.name).put("version", version);
            line.set("request", Json.of(request, version));
            asked.send(api, version, request);
        }

        /** Waits for the answer and records it; null when none came. */
        public ApiMessage answer() throws IOException {
            ApiMessage response = null;
            try {
                response = asked.decode(api, version, asked.receive());
                line.set("response", Json.of(response, version));
                if (response instanceof FetchResponseData fetched) line.set("batches", batches(fetched));
            } catch (IOException failure) {
                line.put("response", outcome(failure));
                if (asked == wire) reconnect();
            }
            if (asked != wire) asked.close();
            out.println(line);
            return response;
        }
    }

    /** Asks, without recording it, until the answer is as expected: what the controller has taken on comes into force later. */
    public <T extends ApiMessage> void await(ApiKeys api, ApiMessage request, Predicate<T> expected) throws IOException {
        await(api, api.latestVersion(false), request, expected);
    }

    @SuppressWarnings("unchecked")
    public <T extends ApiMessage> void await(ApiKeys api, int version, ApiMessage request, Predicate<T> expected) throws IOException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (!expected.test((T) wire.exchange(api, version, request)))
            if (System.nanoTime() > deadline) throw new IOException("10 s, and " + api.name + " does not answer as expected");
    }

    /** Sends a request that has no valid form and records the bytes that come back. */
    public void askRaw(String name, int apiKey, int version, int headerVersion, ByteBuffer body) throws IOException {
        ObjectNode line = Json.MAPPER.createObjectNode().put("case", name).put("apiKey", apiKey).put("version", version);
        wire.sendRaw(apiKey, version, headerVersion, body);
        try {
            byte[] answer = wire.receive().array();
            line.put("answerBytes", HexFormat.of().formatHex(answer, 0, Math.min(answer.length, 4096)));
        } catch (IOException failure) {
            line.put("response", outcome(failure));
            reconnect();
        }
        out.println(line);
    }

    /** What the peer did instead of answering; anything but silence and a close is the harness's own error. */
    private static String outcome(IOException failure) throws IOException {
        if (failure instanceof SocketTimeoutException) return "no answer";
        if (failure instanceof EOFException || failure instanceof SocketException) return "connection closed";
        throw failure;
    }

    public void note(String name, Object value) {
        out.println(Json.MAPPER.createObjectNode().put("case", name).put("outcome", String.valueOf(value)));
    }

    public void reconnect() throws IOException {
        wire.close();
        wire = new Wire(address);
    }

    /** Makes a topic with one replica a partition, without recording it, and returns its id. */
    public Uuid createTopic(String name, int partitions, Map<String, String> configs) throws IOException {
        CreatableTopic topic = new CreatableTopic().setName(name).setNumPartitions(partitions).setReplicationFactor((short) 1);
        configs.forEach((key, value) -> topic.configs().add(new CreatableTopicConfig().setName(key).setValue(value)));
        CreateTopicsRequestData request = new CreateTopicsRequestData().setTimeoutMs(10_000);
        request.topics().add(topic);
        CreateTopicsResponseData response = (CreateTopicsResponseData) wire.exchange(ApiKeys.CREATE_TOPICS, 7, request);
        CreateTopicsResponseData.CreatableTopicResult result = response.topics().iterator().next();
        if (result.errorCode() != Errors.NONE.code())
            throw new IOException("creating " + name + ": " + Errors.forCode(result.errorCode()) + " " + result.errorMessage());
        awaitTopic(name);
        return result.topicId();
    }

    /** Waits until the broker leads all of the topic: the controller knows first that it was made, then what Metadata tells. */
    public void awaitTopic(String name) throws IOException {
        MetadataRequestData request = new MetadataRequestData().setAllowAutoTopicCreation(false)
            .setTopics(List.of(new MetadataRequestData.MetadataRequestTopic().setName(name)));
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (System.nanoTime() < deadline) {
            MetadataResponseData answer = (MetadataResponseData) wire.exchange(ApiKeys.METADATA, 12, request);
            MetadataResponseData.MetadataResponseTopic topic = answer.topics().iterator().next();
            if (topic.errorCode() == Errors.NONE.code() && leadsAll(name, topic.partitions().size())) return;
        }
        throw new IOException("the broker does not know " + name + " 10 s after its creation");
    }

    private boolean leadsAll(String name, int partitions) throws IOException {
        ListOffsetsRequestData.ListOffsetsTopic topic = new ListOffsetsRequestData.ListOffsetsTopic().setName(name);
        for (int index = 0; index < partitions; ++index)
            topic.partitions().add(new ListOffsetsRequestData.ListOffsetsPartition().setPartitionIndex(index).setTimestamp(-1));
        ListOffsetsRequestData request = new ListOffsetsRequestData().setReplicaId(-1).setTopics(List.of(topic));
        ListOffsetsResponseData answer = (ListOffsetsResponseData) wire.exchange(ApiKeys.LIST_OFFSETS, 7, request);
        return answer.topics().get(0).partitions().stream().allMatch(p -> p.errorCode() == Errors.NONE.code());
    }

    private static ArrayNode batches(FetchResponseData fetched) {
        ArrayNode all = Json.MAPPER.createArrayNode();
        for (FetchResponseData.FetchableTopicResponse topic : fetched.responses())
            for (FetchResponseData.PartitionData partition : topic.partitions())
                if (partition.records() instanceof MemoryRecords records)
                    for (MutableRecordBatch batch : records.batches()) all.add(describe(topic, partition, batch));
        return all;
    }

    private static ObjectNode describe(FetchResponseData.FetchableTopicResponse topic,
                                       FetchResponseData.PartitionData partition, MutableRecordBatch batch) {
        ObjectNode node = Json.MAPPER.createObjectNode().put("topicId", topic.topicId().toString())
            .put("partition", partition.partitionIndex()).put("baseOffset", batch.baseOffset())
            .put("lastOffset", batch.lastOffset()).put("leaderEpoch", batch.partitionLeaderEpoch())
            .put("magic", batch.magic()).put("codec", batch.compressionType().name)
            .put("timestampType", batch.timestampType().name).put("maxTimestamp", batch.maxTimestamp())
            .put("producerId", batch.producerId()).put("producerEpoch", batch.producerEpoch())
            .put("baseSequence", batch.baseSequence()).put("transactional", batch.isTransactional())
            .put("control", batch.isControlBatch()).put("sizeBytes", batch.sizeInBytes()).put("valid", batch.isValid());
        ArrayNode offsets = node.putArray("records");
        for (Record record : batch)
            offsets.addObject().put("offset", record.offset()).put("timestamp", record.timestamp()).put("valueSize", record.valueSize());
        return node;
    }

    @Override
    public void close() throws IOException {
        wire.close();
    }
}
