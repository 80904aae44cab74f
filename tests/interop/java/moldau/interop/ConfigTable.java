package moldau.interop;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import kafka.server.KafkaConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.ConfigKey;
import org.apache.kafka.coordinator.group.GroupConfig;
import org.apache.kafka.server.config.ConfigSynonym;
import org.apache.kafka.server.config.DynamicBrokerConfig;
import org.apache.kafka.server.config.DynamicConfig;
import org.apache.kafka.server.config.QuotaConfig;
import org.apache.kafka.server.config.ServerTopicConfigSynonyms;
import org.apache.kafka.server.metrics.ClientMetricsConfigs;
import org.apache.kafka.storage.internals.log.LogConfig;

/**
 * Every configuration key that Apache Kafka declares, as tab-separated values: `ConfigTable broker|topic|group|metrics|quota`.
 * A default that is not there is `-`, a null one `null`, an empty one `""`.
 */
public final class ConfigTable {
    private ConfigTable() {}

    public static void main(String[] arguments) {
        switch (arguments[0]) {
            case "broker" -> broker();
            case "topic" -> topic();
            case "group" -> plain(GroupConfig.CONFIG_DEF.configKeys(), GroupConfig.ALL_GROUP_CONFIG_SYNONYMS
                .entrySet().stream().filter(e -> e.getValue().isPresent()).collect(Collectors.toMap(Map.Entry::getKey, e -> e.getValue().get())));
            case "metrics" -> plain(ClientMetricsConfigs.configDef().configKeys(), Map.of());
            case "quota" -> {
                plain(QuotaConfig.brokerQuotaConfigs().configKeys(), Map.of());
                plain(QuotaConfig.scramMechanismsPlusUserAndClientQuotaConfigs().configKeys(), Map.of());
                plain(QuotaConfig.ipConfigs().configKeys(), Map.of());
            }
            default -> throw new IllegalArgumentException("no table '" + arguments[0] + "'");
        }
    }

    private static void broker() {
        Map<String, String> modes = DynamicBrokerConfig.dynamicConfigUpdateModes();
        Set<String> dynamicNames = DynamicConfig.Broker.names();
        System.out.println("name\ttype\tdefault\tvalid\timportance\tinternal\tdynamic\tsynonyms");
        Map<String, ConfigKey> keys = new TreeMap<>(DynamicConfig.Broker.configKeys());
        keys.putAll(KafkaConfig.configDef().configKeys());
        for (ConfigKey key : keys.values()) {
            List<String> synonyms = DynamicBrokerConfig.brokerConfigSynonyms(key.name, true);
            System.out.println(row(key) + "\t" + modes.getOrDefault(key.name, dynamicNames.contains(key.name) ? "dynamic" : "read-only")
                + "\t" + String.join(",", synonyms));
        }
    }

    private static void topic() {
        System.out.println("name\ttype\tdefault\tvalid\timportance\tinternal\tbroker key\tbroker synonyms, first that is set wins");
        LogConfig.LogConfigDef definition = LogConfig.configDefCopy();
        for (ConfigKey key : new TreeMap<>(definition.configKeys()).values()) {
            List<ConfigSynonym> synonyms = ServerTopicConfigSynonyms.ALL_TOPIC_CONFIG_SYNONYMS.getOrDefault(key.name, List.of());
            System.out.println(row(key) + "\t" + ServerTopicConfigSynonyms.TOPIC_CONFIG_SYNONYMS.getOrDefault(key.name, "-") + "\t"
                + synonyms.stream().map(ConfigTable::synonym).collect(Collectors.joining(",")));
        }
    }

    private static String synonym(ConfigSynonym synonym) {
        if (synonym.converter() == ConfigSynonym.HOURS_TO_MILLISECONDS) return synonym.name() + " (hours)";
        if (synonym.converter() == ConfigSynonym.MINUTES_TO_MILLISECONDS) return synonym.name() + " (minutes)";
        return synonym.name();
    }

    private static void plain(Map<String, ConfigKey> keys, Map<String, String> brokerKeys) {
        System.out.println("name\ttype\tdefault\tvalid\timportance\tinternal\tbroker key");
        for (ConfigKey key : new TreeMap<>(keys).values())
            System.out.println(row(key) + "\t" + brokerKeys.getOrDefault(key.name, "-"));
    }

    private static String row(ConfigKey key) {
        return String.join("\t", key.name, key.type.name(), defaultOf(key), validOf(key), key.importance.name(), String.valueOf(key.internalConfig));
    }

    private static String defaultOf(ConfigKey key) {
        if (!key.hasDefault()) return "-";
        String value = ConfigDef.convertToString(key.defaultValue, key.type);
        if (value == null) return "null";
        return value.isEmpty() ? "\"\"" : value;
    }

    private static String validOf(ConfigKey key) {
        if (key.validator == null) return "-";
        String valid = key.validator instanceof ConfigDef.ValidList list ? validList(list) : key.validator.toString();
        return valid.isBlank() ? key.validator.getClass().getSimpleName() : valid.replaceAll("\\s+", " ");
    }

    /** What the validator of a list does not say of itself: whether the list may be empty or null. */
    private static String validList(ConfigDef.ValidList list) {
        StringBuilder text = new StringBuilder("distinct");
        if (!list.toString().isBlank()) text.append(" of ").append(list);
        for (String field : List.of("isEmptyAllowed", "isNullAllowed")) {
            try {
                java.lang.reflect.Field declared = ConfigDef.ValidList.class.getDeclaredField(field);
                declared.setAccessible(true);
                if (declared.getBoolean(list)) text.append(field.startsWith("isEmpty") ? ", may be empty" : ", may be null");
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(e);
            }
        }
        return text.toString();
    }
}
