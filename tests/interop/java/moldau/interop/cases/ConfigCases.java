package moldau.interop.cases;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import moldau.interop.Session;
import org.apache.kafka.common.message.AlterConfigsRequestData;
import org.apache.kafka.common.message.DescribeConfigsRequestData;
import org.apache.kafka.common.message.DescribeConfigsRequestData.DescribeConfigsResource;
import org.apache.kafka.common.message.DescribeConfigsResponseData;
import org.apache.kafka.common.message.IncrementalAlterConfigsRequestData;
import org.apache.kafka.common.protocol.ApiKeys;

/** Configurations described and altered, for every type of resource. */
public final class ConfigCases {
    private static final int TOPIC = 2;
    private static final int BROKER = 4;
    private static final int BROKER_LOGGER = 8;
    private static final int CLIENT_METRICS = 16;
    private static final int GROUP = 32;
    private static final int SET = 0;
    private static final int DELETE = 1;
    private static final int APPEND = 2;
    private static final int SUBTRACT = 3;

    private ConfigCases() {}

    public static void run(Session session) throws IOException {
        session.createTopic("config", 1, Map.of("retention.ms", "86400000"));
        describe(session);
        incremental(session);
        legacy(session);
        session.<DescribeConfigsResponseData>await(ApiKeys.DESCRIBE_CONFIGS, request(TOPIC, "config", List.of("retention.ms")),
            answer -> answer.results().get(0).configs().get(0).synonyms().stream().anyMatch(each -> "70000000".equals(each.value())));
        describe(session, "topic after alterations", TOPIC, "config", null);
        describe(session, "broker after alterations", BROKER, "1", null);
        describe(session, "default broker after alterations", BROKER, "", null);
        restore(session);
    }

    private static void describe(Session session) throws IOException {
        describe(session, "broker", BROKER, "1", null);
        describe(session, "default broker", BROKER, "", null);
        describe(session, "topic", TOPIC, "config", null);
        describe(session, "client metrics", CLIENT_METRICS, "metrics", null);
        describe(session, "group", GROUP, "group", null);
        describe(session, "broker logger", BROKER_LOGGER, "1", List.of("kafka", "root"));
        for (short version : ApiKeys.DESCRIBE_CONFIGS.allVersions())
            session.ask("two keys at every version", ApiKeys.DESCRIBE_CONFIGS, version,
                request(TOPIC, "config", List.of("retention.ms", "segment.bytes")));
        describe(session, "an unknown key", TOPIC, "config", List.of("no.such.key", "retention.ms"));
        describe(session, "no keys", TOPIC, "config", List.of());
        describe(session, "unknown topic", TOPIC, "config-unknown", null);
        describe(session, "invalid topic name", TOPIC, "bad name!", null);
        describe(session, "another broker", BROKER, "2", null);
        describe(session, "broker not a number", BROKER, "one", null);
        describe(session, "empty topic name", TOPIC, "", null);
        describe(session, "empty group", GROUP, "", null);
        describe(session, "unknown resource type", 7, "x", null);
    }

    private static void incremental(Session session) throws IOException {
        alter(session, "set", TOPIC, "config", SET, "retention.ms", "1000");
        alter(session, "set again", TOPIC, "config", SET, "retention.ms", "1000");
        alter(session, "delete", TOPIC, "config", DELETE, "retention.ms", null);
        alter(session, "delete what is not set", TOPIC, "config", DELETE, "retention.bytes", null);
        alter(session, "append to a list", TOPIC, "config", APPEND, "cleanup.policy", "compact");
        alter(session, "subtract from a list", TOPIC, "config", SUBTRACT, "cleanup.policy", "delete");
        alter(session, "append to a number", TOPIC, "config", APPEND, "retention.ms", "5");
        alter(session, "unknown key", TOPIC, "config", SET, "no.such.key", "1");
        alter(session, "bad value", TOPIC, "config", SET, "retention.ms", "soon");
        alter(session, "below the bound", TOPIC, "config", SET, "segment.bytes", "1");
        alter(session, "null value", TOPIC, "config", SET, "retention.ms", null);
        alter(session, "empty value", TOPIC, "config", SET, "retention.ms", "");
        alter(session, "unknown topic", TOPIC, "config-unknown", SET, "retention.ms", "1");
        alter(session, "invalid topic name", TOPIC, "bad name!", SET, "retention.ms", "1");
        alter(session, "broker, cluster-wide key", BROKER, "1", SET, "log.retention.ms", "90000000");
        alter(session, "default broker", BROKER, "", SET, "log.retention.ms", "80000000");
        alter(session, "default broker, per-broker key", BROKER, "", SET, "listeners", "PLAINTEXT://:1");
        alter(session, "broker, read-only key", BROKER, "1", SET, "log.dirs", "/nowhere");
        alter(session, "broker, unknown key", BROKER, "1", SET, "no.such.key", "1");
        alter(session, "broker, bad value", BROKER, "1", SET, "num.io.threads", "many");
        alter(session, "broker, bound", BROKER, "1", SET, "num.io.threads", "0");
        alter(session, "broker, more than doubled", BROKER, "1", SET, "num.io.threads", "100");
        alter(session, "another broker", BROKER, "2", SET, "log.retention.ms", "1");
        alter(session, "broker not a number", BROKER, "one", SET, "log.retention.ms", "1");
        alter(session, "broker logger", BROKER_LOGGER, "1", SET, "kafka", "DEBUG");
        alter(session, "broker logger, bad level", BROKER_LOGGER, "1", SET, "kafka", "LOUD");
        alter(session, "client metrics", CLIENT_METRICS, "metrics", SET, "interval.ms", "1000");
        alter(session, "client metrics, bad", CLIENT_METRICS, "metrics", SET, "interval.ms", "1");
        alter(session, "group", GROUP, "group", SET, "consumer.session.timeout.ms", "50000");
        alter(session, "group, bad", GROUP, "group", SET, "consumer.session.timeout.ms", "1");
        alter(session, "unknown resource type", 7, "x", SET, "a", "b");
        session.ask("validate only", ApiKeys.INCREMENTAL_ALTER_CONFIGS, change(TOPIC, "config", SET, "retention.ms", "7").setValidateOnly(true));
        IncrementalAlterConfigsRequestData twice = change(TOPIC, "config", SET, "retention.ms", "7");
        twice.resources().iterator().next().configs().add(alterable(DELETE, "retention.ms", null));
        session.ask("a key twice", ApiKeys.INCREMENTAL_ALTER_CONFIGS, twice);
        session.ask("version 0", ApiKeys.INCREMENTAL_ALTER_CONFIGS, 0, change(TOPIC, "config", SET, "retention.ms", "2000"));
    }

    private static void legacy(Session session) throws IOException {
        for (short version : ApiKeys.ALTER_CONFIGS.allVersions())
            session.ask("all configs of a topic", ApiKeys.ALTER_CONFIGS, version, replace(TOPIC, "config", "retention.ms", "3000"));
        session.ask("unknown key", ApiKeys.ALTER_CONFIGS, replace(TOPIC, "config", "no.such.key", "1"));
        session.ask("bad value", ApiKeys.ALTER_CONFIGS, replace(TOPIC, "config", "retention.ms", "soon"));
        session.ask("null value", ApiKeys.ALTER_CONFIGS, replace(TOPIC, "config", "retention.ms", null));
        session.ask("unknown topic", ApiKeys.ALTER_CONFIGS, replace(TOPIC, "config-unknown", "retention.ms", "1"));
        session.ask("default broker", ApiKeys.ALTER_CONFIGS, replace(BROKER, "", "log.retention.ms", "70000000"));
        session.ask("validate only", ApiKeys.ALTER_CONFIGS, replace(TOPIC, "config", "retention.ms", "7").setValidateOnly(true));
        session.ask("broker logger", ApiKeys.ALTER_CONFIGS, replace(BROKER_LOGGER, "1", "kafka", "DEBUG"));
    }

    private static void restore(Session session) throws IOException {
        alter(session, "restore broker", BROKER, "1", DELETE, "log.retention.ms", null);
        alter(session, "restore default broker", BROKER, "", DELETE, "log.retention.ms", null);
        alter(session, "restore client metrics", CLIENT_METRICS, "metrics", DELETE, "interval.ms", null);
        alter(session, "restore group", GROUP, "group", DELETE, "consumer.session.timeout.ms", null);
        // Last, for it makes Apache Kafka's controller give up its leadership.
        alter(session, "unknown operation", TOPIC, "config", 9, "retention.ms", "5");
    }

    private static void describe(Session session, String name, int type, String resource, List<String> keys) throws IOException {
        session.ask(name, ApiKeys.DESCRIBE_CONFIGS, request(type, resource, keys));
    }

    private static DescribeConfigsRequestData request(int type, String resource, List<String> keys) {
        return new DescribeConfigsRequestData().setIncludeSynonyms(true).setResources(List.of(new DescribeConfigsResource()
            .setResourceType((byte) type).setResourceName(resource).setConfigurationKeys(keys)));
    }

    private static void alter(Session session, String name, int type, String resource, int operation, String key, String value) throws IOException {
        session.ask(name, ApiKeys.INCREMENTAL_ALTER_CONFIGS, change(type, resource, operation, key, value));
    }

    private static IncrementalAlterConfigsRequestData.AlterableConfig alterable(int operation, String key, String value) {
        return new IncrementalAlterConfigsRequestData.AlterableConfig().setName(key).setConfigOperation((byte) operation).setValue(value);
    }

    private static IncrementalAlterConfigsRequestData change(int type, String resource, int operation, String key, String value) {
        IncrementalAlterConfigsRequestData.AlterConfigsResource altered = new IncrementalAlterConfigsRequestData.AlterConfigsResource()
            .setResourceType((byte) type).setResourceName(resource);
        altered.configs().add(alterable(operation, key, value));
        IncrementalAlterConfigsRequestData request = new IncrementalAlterConfigsRequestData();
        request.resources().add(altered);
        return request;
    }

    private static AlterConfigsRequestData replace(int type, String resource, String key, String value) {
        AlterConfigsRequestData.AlterConfigsResource altered = new AlterConfigsRequestData.AlterConfigsResource()
            .setResourceType((byte) type).setResourceName(resource);
        altered.configs().add(new AlterConfigsRequestData.AlterableConfig().setName(key).setValue(value));
        AlterConfigsRequestData request = new AlterConfigsRequestData();
        request.resources().add(altered);
        return request;
    }
}
