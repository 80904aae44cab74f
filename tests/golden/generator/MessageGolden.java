import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.lang.reflect.InvocationTargetException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageUtil;

/**
 * Writes the golden files of messages: Apache Kafka's own generated classes encode values that are made up here, for
 * every message, every version and several variants.
 *
 * Usage: java -cp "<Apache Kafka's jars>/*:." MessageGolden DIRECTORY
 * A line: name, version, variant, the encoding in hex, and what Kafka's JSON converter prints, separated by blanks.
 */
public final class MessageGolden {
    private static final ObjectMapper MAPPER = new ObjectMapper().enable(JsonParser.Feature.ALLOW_COMMENTS);
    private static final TreeMap<String, Definition> DEFINITIONS = new TreeMap<>();

    /** A message's definition, and the Java package of its class. */
    private record Definition(JsonNode schema, String className) {}

    public static void main(String[] arguments) throws Exception {
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            if (entry.endsWith(".jar") && entry.contains("kafka-")) readJar(entry);
        }
        int count = 0;
        for (String group : new String[] {"request", "response", "record"}) {
            Path path = Path.of(arguments[0], "messages_" + group + ".txt.gz");
            try (Writer out = new OutputStreamWriter(
                     new GZIPOutputStream(Files.newOutputStream(path)), StandardCharsets.UTF_8)) {
                for (var item : DEFINITIONS.entrySet()) {
                    if (group.equals(groupOf(item.getValue()))) count += write(item.getKey(), item.getValue(), out);
                }
            }
        }
        writeApis(Path.of(arguments[0], "apis.txt"));
        writeErrors(Path.of(arguments[0], "errors.txt"));
        System.out.println(count + " encodings");
    }

    private static String groupOf(Definition definition) {
        String type = definition.schema.get("type").asText();
        return type.equals("request") || type.equals("response") ? type : "record";
    }

    private static void readJar(String jar) throws Exception {
        try (ZipFile zip = new ZipFile(jar)) {
            for (ZipEntry entry : zip.stream().toList()) {
                String name = entry.getName();
                if (!name.matches("(common/(message|metadata)|message)/[A-Za-z]+\\.json")) continue;
                JsonNode schema = MAPPER.readTree(zip.getInputStream(entry));
                if (schema.get("validVersions").asText().equals("none")) continue;
                String className = schema.get("name").asText();
                String type = schema.get("type").asText();
                if (type.equals("request") || type.equals("response") || type.equals("header")) className += "Data";
                String suffix = "/" + className + "JsonConverter.class";
                ZipEntry compiled = zip.stream().filter(e -> e.getName().endsWith(suffix)).findFirst().orElseThrow();
                String fullName = compiled.getName().replace("JsonConverter.class", "").replace('/', '.');
                DEFINITIONS.put(schema.get("name").asText(), new Definition(schema, fullName));
            }
        }
    }

    private static int write(String name, Definition definition, Writer out) throws Exception {
        Class<?> type = Class.forName(definition.className);
        Class<?> converter = Class.forName(definition.className + "JsonConverter");
        Versions valid = Versions.parse(definition.schema.get("validVersions").asText());
        int count = writeInitial(name, definition, valid, out);
        for (int version = valid.low(); version <= valid.high(); ++version) {
            TreeSet<String> seen = new TreeSet<>();
            for (Variant variant : Variant.values()) {
                if (variant == Variant.LONG && version != valid.high()) continue;
                JsonNode made = new MessageValues(definition.schema, (short) version, variant).message();
                Message message = (Message) converter.getMethod("read", JsonNode.class, short.class)
                    .invoke(null, made, (short) version);
                ByteBuffer buffer = MessageUtil.toByteBufferAccessor(message, (short) version).buffer();
                byte[] bytes = new byte[buffer.remaining()];
                buffer.get(bytes);
                String hex = HexFormat.of().formatHex(bytes);
                if (!seen.add(hex)) continue;
                Object json = converter.getMethod("write", type, short.class, boolean.class)
                    .invoke(null, message, (short) version, false);
                out.write(name + " " + version + " " + variant.name().toLowerCase() + " " + (hex.isEmpty() ? "-" : hex)
                    + " " + MAPPER.writeValueAsString(json) + "\n");
                ++count;
            }
        }
        return count;
    }

    /** What a new object holds, before anything is set; versions that cannot hold that are left out. */
    private static int writeInitial(String name, Definition definition, Versions valid, Writer out) throws Exception {
        Class<?> type = Class.forName(definition.className);
        Class<?> converter = Class.forName(definition.className + "JsonConverter");
        int count = 0;
        for (int version = valid.low(); version <= valid.high(); ++version) {
            Object json;
            try {
                json = converter.getMethod("write", type, short.class, boolean.class)
                    .invoke(null, type.getConstructor().newInstance(), (short) version, false);
            } catch (InvocationTargetException unsupported) {
                continue;
            }
            out.write(name + " " + version + " initial - " + MAPPER.writeValueAsString(json) + "\n");
            ++count;
        }
        return count;
    }

    /** A line an API: key, name, listeners; then a version, the versions of the headers that go with it, and so on. */
    private static void writeApis(Path path) throws Exception {
        StringBuilder text = new StringBuilder();
        for (ApiMessageType api : ApiMessageType.values()) {
            if (api.listeners().isEmpty()) continue;
            text.append(api.apiKey()).append(' ').append(api.name).append(' ');
            text.append(api.listeners().contains(ApiMessageType.ListenerType.BROKER) ? "b" : "");
            text.append(api.listeners().contains(ApiMessageType.ListenerType.CONTROLLER) ? "c" : "");
            text.append(' ').append(api.highestSupportedVersion(false));
            for (short version = api.lowestSupportedVersion(); version <= api.highestSupportedVersion(true); ++version) {
                text.append(' ').append(version).append(' ').append(api.requestHeaderVersion(version));
                text.append(' ').append(api.responseHeaderVersion(version));
            }
            text.append('\n');
        }
        Files.writeString(path, text);
    }

    /** A line an error: code, name, whether it is retriable. */
    private static void writeErrors(Path path) throws Exception {
        StringBuilder text = new StringBuilder();
        for (Errors error : Errors.values()) {
            boolean isRetriable = error.exception() instanceof RetriableException;
            text.append(error.code()).append(' ').append(error.name()).append(' ').append(isRetriable).append('\n');
        }
        Files.writeString(path, text);
    }
}
