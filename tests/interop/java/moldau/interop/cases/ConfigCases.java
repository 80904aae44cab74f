package moldau.interop.cases;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import moldau.interop.Session;
import org.apache.kafka.common.message.AlterConfigsRequestData;
import org.apache.kafka.common.message.AlterConfigsResponseData;
import org.apache.kafka.common.message.DescribeConfigsRequestData;
import org.apache.kafka.common.message.DescribeConfigsRequestData.DescribeConfigsResource;
import org.apache.kafka.common.message.DescribeConfigsResponseData;
import org.apache.kafka.common.message.IncrementalAlterConfigsRequestData;
import org.apache.kafka.common.message.IncrementalAlterConfigsResponseData;
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
        reals(session);
        lists(session);
        together(session);
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

    private static void reals(Session session) throws IOException {
        for (String text : List.of("nan", "NaN", "-NaN", "inf", "infinity", "Infinity", "-Infinity", "1e999", "1e-999", "0.5d", "0.5F",
            ".5", "1.", "0x1p-1", "0x1", "1e", "0.5dd", "+-0.5", "+0.5", " 0.5 ", "0,5")) {
            alter(session, "share '" + text + "'", TOPIC, "config", SET, "min.cleanable.dirty.ratio", text);
            alter(session, "rate '" + text + "'", BROKER, "", SET, "log.cleaner.io.max.bytes.per.second", text);
        }
        alter(session, "a whole number with two signs", TOPIC, "config", SET, "retention.ms", "+-5");
        alter(session, "restore share", TOPIC, "config", DELETE, "min.cleanable.dirty.ratio", null);
        alter(session, "restore rate", BROKER, "", DELETE, "log.cleaner.io.max.bytes.per.second", null);
    }

    private static void lists(Session session) throws IOException {
        policy(session, "set twice", SET, "compact,compact", "compact");
        policy(session, "append to what is there twice", APPEND, "delete", "compact,delete");
        policy(session, "subtract once what is there twice", SUBTRACT, "compact", "compact,delete");
        policy(session, "subtract it again", SUBTRACT, "compact", "delete");
        policy(session, "append twice", APPEND, "compact,compact", "delete,compact");
        policy(session, "set with blanks", SET, "delete , compact", "delete,compact");
        policy(session, "subtract, not thinking of blanks", SUBTRACT, "compact", "delete,compact");
        policy(session, "subtract with blanks", SUBTRACT, " compact", "delete");
        policy(session, "append with blanks", APPEND, " compact ", "delete,compact");
        for (String text : List.of("compact,,", ",", ",compact")) policy(session, "set '" + text + "'", SET, text, "delete,compact");
        for (String text : List.of("", ",", ",delete")) policy(session, "append '" + text + "'", APPEND, text, "delete,compact");
        alter(session, "broker's default policy", BROKER, "", SET, "log.cleanup.policy", "compact,compact");
        policy(session, "delete", DELETE, null, "compact");
        policy(session, "append to none", APPEND, "compact", "delete,compact");
        policy(session, "delete again", DELETE, null, "compact");
        policy(session, "subtract from none", SUBTRACT, "delete", "");
        policy(session, "delete once more", DELETE, null, "compact");
        describe(session, "broker's default policy", BROKER, "1", List.of("log.cleanup.policy"));
        describe(session, "brokers' default policy", BROKER, "", List.of("log.cleanup.policy"));
        alter(session, "append to broker's policy", BROKER, "1", APPEND, "log.cleanup.policy", "compact");
        policy(session, "append to none under that", APPEND, "delete,compact", "delete,compact");
        describe(session, "append to broker's policy", BROKER, "1", List.of("log.cleanup.policy"));
        alter(session, "restore broker's policy", BROKER, "1", DELETE, "log.cleanup.policy", null);
        alter(session, "restore default broker's policy", BROKER, "", DELETE, "log.cleanup.policy", null);
        policy(session, "restore", DELETE, null, "delete");
        alter(session, "throttled replicas twice", TOPIC, "config", SET, "leader.replication.throttled.replicas", "0:1,0:1");
        alter(session, "all throttled replicas twice", TOPIC, "config", SET, "leader.replication.throttled.replicas", "*,*");
        alter(session, "restore throttled replicas", TOPIC, "config", DELETE, "leader.replication.throttled.replicas", null);
    }

    /** Changes the topic's cleanup.policy and describes it, as soon as what is in force is what both brokers should say. */
    private static void policy(Session session, String name, int operation, String value, String expected) throws IOException {
        alter(session, "policy, " + name, TOPIC, "config", operation, "cleanup.policy", value);
        session.<DescribeConfigsResponseData>await(ApiKeys.DESCRIBE_CONFIGS, request(TOPIC, "config", List.of("cleanup.policy")),
            answer -> expected.equals(answer.results().get(0).configs().get(0).value()));
        describe(session, "policy, " + name, TOPIC, "config", List.of("cleanup.policy"));
    }

    private static void together(Session session) throws IOException {
        remoteStorage(session);
        lags(session);
        localRetention(session);
        alter(session, "cordoned directory that is none", BROKER, "1", SET, "cordoned.log.dirs", "/nowhere");
        alter(session, "cordoned directories", BROKER, "1", SET, "cordoned.log.dirs", "*");
        alter(session, "restore cordoned directories", BROKER, "1", DELETE, "cordoned.log.dirs", null);
        alter(session, "cleaner's buffer too small", BROKER, "", SET, "log.cleaner.dedupe.buffer.size", "1048576");
        alter(session, "cleaner's buffer", BROKER, "", SET, "log.cleaner.dedupe.buffer.size", "1048577");
        alter(session, "no cleaner's threads", BROKER, "", SET, "log.cleaner.threads", "0");
        alter(session, "restore cleaner's buffer", BROKER, "", DELETE, "log.cleaner.dedupe.buffer.size", null);
        alter(session, "no connections", BROKER, "", SET, "max.connections.per.ip", "0");
        alter(session, "limit without number", BROKER, "", SET, "max.connections.per.ip.overrides", "127.0.0.1");
        alter(session, "limit of no host", BROKER, "", SET, "max.connections.per.ip.overrides", "no such host:1");
    }

    private static void remoteStorage(Session session) throws IOException {
        for (String on : List.of("true", "TRUE")) alter(session, "remote storage " + on, TOPIC, "config", SET, "remote.storage.enable", on);
        Map<String, String> accepted = new TreeMap<>(Map.of("remote.storage.enable", "false", "remote.log.copy.disable", "true",
            "remote.log.delete.on.disable", "true", "local.retention.ms", "900000000"));
        for (Map.Entry<String, String> each : accepted.entrySet())
            alter(session, "without remote storage, " + each.getKey(), TOPIC, "config", SET, each.getKey(), each.getValue());
        for (String key : accepted.keySet()) alter(session, "restore " + key, TOPIC, "config", DELETE, key, null);
    }

    private static void lags(Session session) throws IOException {
        alter(session, "max lag", TOPIC, "config", SET, "max.compaction.lag.ms", "1000");
        alter(session, "min lag above it", TOPIC, "config", SET, "min.compaction.lag.ms", "1001");
        alter(session, "min lag of the same", TOPIC, "config", SET, "min.compaction.lag.ms", "1000");
        alter(session, "max lag below it", TOPIC, "config", SET, "max.compaction.lag.ms", "999");
        alter(session, "no max lag", TOPIC, "config", DELETE, "max.compaction.lag.ms", null);
        session.ask("all configs, a min lag", ApiKeys.ALTER_CONFIGS, replace(TOPIC, "config", "min.compaction.lag.ms", "400"));
        alter(session, "brokers' max lag", BROKER, "", SET, "log.cleaner.max.compaction.lag.ms", "500");
        awaitRefusal(session, TOPIC, "config", "min.compaction.lag.ms", "501");
        alter(session, "min lag above the brokers' max", TOPIC, "config", SET, "min.compaction.lag.ms", "501");
        session.ask("all configs, a min lag above the brokers' max", ApiKeys.ALTER_CONFIGS, replace(TOPIC, "config", "min.compaction.lag.ms", "501"));
        alter(session, "brokers' min lag above their max", BROKER, "", SET, "log.cleaner.min.compaction.lag.ms", "600");
        session.<AlterConfigsResponseData>await(ApiKeys.ALTER_CONFIGS, replace(TOPIC, "config", "retention.ms", "3000").setValidateOnly(true),
            answer -> answer.responses().get(0).errorCode() != 0);
        session.ask("all configs under lags against each other", ApiKeys.ALTER_CONFIGS, replace(TOPIC, "config", "retention.ms", "3000"));
        alter(session, "a min lag of its own under such", TOPIC, "config", SET, "min.compaction.lag.ms", "450");
        alter(session, "no min lag of its own under such", TOPIC, "config", DELETE, "min.compaction.lag.ms", null);
        session.createTopic("config-under-lags", 1, Map.of());
        alter(session, "restore brokers' min lag", BROKER, "", DELETE, "log.cleaner.min.compaction.lag.ms", null);
        alter(session, "restore brokers' max lag", BROKER, "", DELETE, "log.cleaner.max.compaction.lag.ms", null);
        session.<IncrementalAlterConfigsResponseData>await(ApiKeys.INCREMENTAL_ALTER_CONFIGS,
            change(TOPIC, "config", SET, "min.compaction.lag.ms", "501").setValidateOnly(true), answer -> answer.responses().get(0).errorCode() == 0);
        alter(session, "restore min lag", TOPIC, "config", DELETE, "min.compaction.lag.ms", null);
    }

    private static void localRetention(Session session) throws IOException {
        alter(session, "local retention above retention", BROKER, "", SET, "log.local.retention.ms", "900000000000");
        alter(session, "local retention without bound", BROKER, "", SET, "log.local.retention.ms", "-1");
        alter(session, "retention in bytes", BROKER, "1", SET, "log.retention.bytes", "1000000000");
        awaitRefusal(session, BROKER, "1", "log.local.retention.bytes", "1000000001");
        alter(session, "local bytes above it", BROKER, "1", SET, "log.local.retention.bytes", "1000000001");
        alter(session, "local bytes without bound", BROKER, "1", SET, "log.local.retention.bytes", "-1");
        alter(session, "restore retention in bytes", BROKER, "1", DELETE, "log.retention.bytes", null);
    }

    /** Waits until a setting, which is not made, would be refused: settings of brokers come into force later. */
    private static void awaitRefusal(Session session, int type, String resource, String key, String value) throws IOException {
        session.<IncrementalAlterConfigsResponseData>await(ApiKeys.INCREMENTAL_ALTER_CONFIGS,
            change(type, resource, SET, key, value).setValidateOnly(true), answer -> answer.responses().get(0).errorCode() != 0);
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
