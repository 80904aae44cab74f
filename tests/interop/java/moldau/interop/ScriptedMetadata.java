package moldau.interop;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.AlterConfigOp.OpType;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.ConfigResource.Type;
import org.apache.kafka.common.message.AlterConfigsRequestData;
import org.apache.kafka.common.message.InitProducerIdRequestData;
import org.apache.kafka.common.message.MetadataRequestData;
import org.apache.kafka.common.protocol.ApiKeys;

/**
 * Calls that leave records in the metadata log, in one fixed order and one at a time: `ScriptedMetadata host:port`.
 * The log of two brokers after the same script can be compared record by record.
 */
public final class ScriptedMetadata {
    private final Admin admin;
    private final String address;

    private ScriptedMetadata(Admin admin, String address) {
        this.admin = admin;
        this.address = address;
    }

    public static void main(String[] arguments) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", arguments[0], "request.timeout.ms", "15000"))) {
            ScriptedMetadata script = new ScriptedMetadata(admin, arguments[0]);
            script.topics();
            script.configs();
            script.producerIds();
            script.deletions();
        }
    }

    private void topics() throws Exception {
        create(new NewTopic("plain", 1, (short) 1));
        create(new NewTopic("two", Optional.of(2), Optional.empty()));
        create(new NewTopic("configured", 1, (short) 1).configs(Map.of("retention.ms", "100000", "cleanup.policy", "compact")));
        create(new NewTopic("assigned", Map.of(0, List.of(1), 1, List.of(1))));
        wait(admin.createPartitions(Map.of("plain", NewPartitions.increaseTo(3))).all());
        wait(admin.createPartitions(Map.of("two", NewPartitions.increaseTo(3, List.of(List.of(1))))).all());
        try (Session session = new Session(address, System.out)) {
            session.ask("auto-creation", ApiKeys.METADATA, new MetadataRequestData().setAllowAutoTopicCreation(true)
                .setTopics(List.of(new MetadataRequestData.MetadataRequestTopic().setName("automatic"))));
        }
        for (int i = 0; i < 100 && !admin.listTopics().names().get().contains("automatic"); i++)
            TimeUnit.MILLISECONDS.sleep(50);
    }

    private void configs() throws Exception {
        ConfigResource topic = new ConfigResource(Type.TOPIC, "plain");
        alter(topic, OpType.SET, "retention.ms", "5000");
        alter(topic, OpType.SET, "retention.ms", "5000");
        alter(topic, OpType.APPEND, "cleanup.policy", "compact");
        alter(topic, OpType.DELETE, "retention.ms", "");
        alter(topic, OpType.DELETE, "retention.bytes", "");
        alter(new ConfigResource(Type.BROKER, "1"), OpType.SET, "log.retention.ms", "90000000");
        alter(new ConfigResource(Type.BROKER, ""), OpType.SET, "log.retention.ms", "80000000");
        alter(new ConfigResource(Type.BROKER, "1"), OpType.DELETE, "log.retention.ms", "");
        replace((byte) 2, "configured", "retention.ms", "7000");
        replace((byte) 4, "", "log.segment.bytes", "2000000");
    }

    private void producerIds() throws Exception {
        try (Session session = new Session(address, System.out)) {
            for (int i = 0; i < 2; i++)
                session.ask("producer id", ApiKeys.INIT_PRODUCER_ID, new InitProducerIdRequestData().setTransactionalId(null).setTransactionTimeoutMs(60_000));
        }
    }

    private void deletions() throws Exception {
        wait(admin.deleteTopics(List.of("assigned")).all());
        wait(admin.deleteTopics(List.of("configured")).all());
        create(new NewTopic("configured", 1, (short) 1));
    }

    private void create(NewTopic topic) throws Exception {
        wait(admin.createTopics(List.of(topic)).all());
    }

    private void alter(ConfigResource resource, OpType operation, String key, String value) throws Exception {
        wait(admin.incrementalAlterConfigs(Map.of(resource, List.of(new AlterConfigOp(new ConfigEntry(key, value), operation)))).all());
    }

    /** The older AlterConfigs, which Admin no longer offers: replaces all that is set. */
    private void replace(byte type, String name, String key, String value) throws Exception {
        AlterConfigsRequestData.AlterConfigsResource altered = new AlterConfigsRequestData.AlterConfigsResource()
            .setResourceType(type).setResourceName(name);
        altered.configs().add(new AlterConfigsRequestData.AlterableConfig().setName(key).setValue(value));
        AlterConfigsRequestData request = new AlterConfigsRequestData();
        request.resources().add(altered);
        try (Session session = new Session(address, System.out)) {
            session.ask("replace configs", ApiKeys.ALTER_CONFIGS, request);
        }
    }

    /** Waits for an answer, at most 20 seconds. */
    private static void wait(KafkaFuture<?> future) throws Exception {
        future.get(20, TimeUnit.SECONDS);
    }
}
