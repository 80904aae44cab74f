package moldau.interop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.lang.reflect.InvocationTargetException;
import org.apache.kafka.common.protocol.Message;

/** Messages as JSON, by the converters that stand beside Kafka's generated classes. */
public final class Json {
    public static final ObjectMapper MAPPER = new ObjectMapper();

    private Json() {}

    public static JsonNode of(Message message, int version) {
        try {
            Class<?> type = message.getClass();
            return (JsonNode) Class.forName(type.getName() + "JsonConverter")
                .getMethod("write", type, short.class).invoke(null, message, (short) version);
        } catch (InvocationTargetException e) {
            throw new IllegalArgumentException(e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new IllegalArgumentException(e);
        }
    }
}
