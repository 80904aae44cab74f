import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.TreeMap;

/** What a message's fields hold. */
enum Variant {
    /** Each field its default. */
    DEFAULTS,
    /** Each field something else than its default, arrays of two. */
    FULL,
    /** As FULL, but null what may be. */
    NULL,
    /** Nothing in strings, bytes and arrays; the lowest of numbers. */
    EMPTY,
    /** As FULL, with strings and bytes whose length takes more than a byte. */
    LONG,
}

/** Versions from low to high, both included. */
record Versions(int low, int high) {
    static Versions parse(String text) {
        if (text.equals("none")) return new Versions(1, 0);
        if (text.endsWith("+")) return new Versions(Integer.parseInt(text.substring(0, text.length() - 1)), 0x7fff);
        String[] ends = text.split("-");
        return new Versions(Integer.parseInt(ends[0]), Integer.parseInt(ends[ends.length - 1]));
    }

    static boolean contains(JsonNode field, String key, int version) {
        if (!field.has(key)) return false;
        Versions versions = parse(field.get(key).asText());
        return version >= versions.low && version <= versions.high;
    }
}

/** Makes up the JSON of a message, in the form that Apache Kafka's converters read. */
final class MessageValues {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private final JsonNode schema;
    private final short version;
    private final Variant variant;
    private final TreeMap<String, JsonNode> structs = new TreeMap<>();
    private int counter = 0;

    MessageValues(JsonNode schema, short version, Variant variant) {
        this.schema = schema;
        this.version = version;
        this.variant = variant;
        collect(schema.get("fields"));
        if (schema.has("commonStructs")) {
            for (JsonNode struct : schema.get("commonStructs")) {
                structs.put(struct.get("name").asText(), struct.get("fields"));
                collect(struct.get("fields"));
            }
        }
    }

    ObjectNode message() {
        return struct(schema.get("fields"));
    }

    private void collect(JsonNode fields) {
        for (JsonNode field : fields) {
            if (!field.has("fields")) continue;
            structs.put(field.get("type").asText().replace("[]", ""), field.get("fields"));
            collect(field.get("fields"));
        }
    }

    private ObjectNode struct(JsonNode fields) {
        ObjectNode result = NODES.objectNode();
        for (JsonNode field : fields) {
            String versions = field.has("versions") ? "versions" : "taggedVersions";
            if (!Versions.contains(field, versions, version)) continue;
            String name = field.get("name").asText();
            name = Character.toLowerCase(name.charAt(0)) + name.substring(1);
            boolean isTagged = Versions.contains(field, "taggedVersions", version);
            if (isTagged && (variant == Variant.DEFAULTS || variant == Variant.EMPTY)) continue;
            result.set(name, field(field));
        }
        return result;
    }

    private JsonNode field(JsonNode field) {
        String type = field.get("type").asText();
        boolean mayBeNull = Versions.contains(field, "nullableVersions", version);
        String defaultValue = field.path("default").asText("");
        if (variant == Variant.NULL && mayBeNull) return NODES.nullNode();
        if (variant == Variant.DEFAULTS && mayBeNull && defaultValue.equals("null")) return NODES.nullNode();
        if (!type.startsWith("[]")) return value(type, defaultValue);
        ArrayNode array = NODES.arrayNode();
        boolean isEmpty = variant == Variant.DEFAULTS || variant == Variant.EMPTY;
        for (int i = 0; i < (isEmpty ? 0 : 2); ++i) array.add(value(type.substring(2), ""));
        return array;
    }

    private JsonNode value(String type, String defaultValue) {
        ++counter;
        switch (type) {
            case "bool":
                boolean isTrue = defaultValue.equalsIgnoreCase("true");
                return NODES.booleanNode(variant == Variant.DEFAULTS ? isTrue : !isTrue);
            case "int8": return number(defaultValue, Byte.MIN_VALUE, 1 + counter % 100);
            case "int16": return number(defaultValue, Short.MIN_VALUE, 300 + counter);
            case "uint16": return number(defaultValue, 0xffff, 40000 + counter);
            case "int32": return number(defaultValue, Integer.MIN_VALUE, 70000 + counter);
            case "uint32": return number(defaultValue, 0xffffffffL, 3000000000L + counter);
            case "int64": return number(defaultValue, Long.MIN_VALUE, 5000000000L + counter);
            case "float64":
                double low = variant == Variant.EMPTY ? -1.5e-300 : 0.5 + counter;
                return NODES.numberNode(variant == Variant.DEFAULTS ? 0.0 : low);
            case "uuid": return NODES.textNode(uuid());
            case "string": return NODES.textNode(hasContent() ? "t\u00e9xt \"" + counter + "\"" + padding() : "");
            case "bytes", "records": return NODES.binaryNode(bytes());
            default: return struct(structs.get(type));
        }
    }

    private boolean hasContent() {
        return variant != Variant.DEFAULTS && variant != Variant.EMPTY;
    }

    private String padding() {
        return variant == Variant.LONG ? "x".repeat(130 + counter) : "";
    }

    private JsonNode number(String defaultValue, long lowest, long other) {
        if (variant == Variant.EMPTY) return NODES.numberNode(lowest);
        if (variant != Variant.DEFAULTS) return NODES.numberNode(other);
        return NODES.numberNode(defaultValue.isEmpty() ? 0 : Long.decode(defaultValue));
    }

    private String uuid() {
        long half = hasContent() ? 0x0123456789abcd00L + counter : 0;
        return new org.apache.kafka.common.Uuid(half, ~half & (hasContent() ? -1L : 0)).toString();
    }

    private byte[] bytes() {
        if (!hasContent()) return new byte[0];
        byte[] result = new byte[variant == Variant.LONG ? 200 : 3 + counter % 3];
        for (int i = 0; i < result.length; ++i) result[i] = (byte) (0xf0 + i + counter);
        return result;
    }
}
