import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.storage.HeaderConverter;
import org.apache.kafka.connect.storage.SimpleHeaderConverter;

/** Runs Apache's converters: `read` (base64, or null) is bytes to read, `write` data to write. */
class ConverterOracle {
    static final Map<String, Object> KNOWN = new HashMap<>();

    static ObjectNode outcome(JsonNode given) {
        ObjectNode result = TransformOracle.JSON.createObjectNode();
        try {
            Object converter = converter(given);
            if (given.has("read")) {
                JsonNode read = given.get("read");
                byte[] bytes = read.isNull() ? null : Base64.getDecoder().decode(read.textValue());
                SchemaAndValue data = converter instanceof Converter c
                    ? c.toConnectData("t", new RecordHeaders(), bytes)
                    : ((HeaderConverter) converter).toConnectHeader("t", "h", bytes);
                // What a header is read as shows in how it is written again.
                if (converter instanceof SimpleHeaderConverter c) return written(result, c.fromConnectHeader("t", "h", data.schema(), data.value()));
                result.set("data", TransformOracle.data(data.schema(), data.value()));
                return result;
            }
            Schema schema = TransformOracle.schema(given.get("write").get("schema"));
            Object value = TransformOracle.value(given.get("write").get("value"), schema);
            return written(result, converter instanceof Converter c
                ? c.fromConnectData("t", new RecordHeaders(), schema, value)
                : ((HeaderConverter) converter).fromConnectHeader("t", "h", schema, value));
        } catch (Exception | StackOverflowError e) {
            return result.put("error", String.valueOf(e.getMessage()));
        }
    }

    static ObjectNode written(ObjectNode result, byte[] bytes) {
        return result.put("bytes", bytes == null ? null : Base64.getEncoder().encodeToString(bytes));
    }

    static Object converter(JsonNode given) throws Exception {
        String id = given.get("class") + " " + given.get("config") + given.get("key");
        Object known = KNOWN.get(id);
        if (known != null) return known;
        Map<String, String> config = new HashMap<>();
        given.get("config").properties().forEach(e -> config.put(e.getKey(), e.getValue().textValue()));
        Object converter = Class.forName(given.get("class").textValue()).getDeclaredConstructor().newInstance();
        if (converter instanceof Converter c) c.configure(config, given.get("key").booleanValue());
        else ((HeaderConverter) converter).configure(config);
        KNOWN.put(id, converter);
        return converter;
    }
}
