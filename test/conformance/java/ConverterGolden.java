import com.fasterxml.jackson.databind.*;
import com.fasterxml.jackson.databind.node.*;
import java.io.*;
import java.math.*;
import java.util.*;
import org.apache.kafka.common.header.internals.*;
import org.apache.kafka.connect.data.*;
import org.apache.kafka.connect.json.*;
import org.apache.kafka.connect.storage.*;

/** Reads cases from standard input, asks the converters of Kafka Connect, and prints what they answer. */
public class ConverterGolden {
  static final ObjectMapper JSON = new ObjectMapper();
  static final JsonConverter SCHEMAS = new JsonConverter();

  public static void main(String[] args) throws Exception {
    SCHEMAS.configure(Map.of("converter.type", "value"));
    JSON.getFactory().setStreamReadConstraints(
        com.fasterxml.jackson.core.StreamReadConstraints.builder().maxNestingDepth(5000).build());
    ArrayNode answers = JSON.createArrayNode();
    for (JsonNode given : JSON.readTree(System.in)) answers.add(answer(given));
    System.out.println(JSON.writerWithDefaultPrettyPrinter().writeValueAsString(answers));
  }

  static ObjectNode answer(JsonNode given) {
    ObjectNode answer = JSON.createObjectNode();
    answer.put("case", given.get("case").asText());
    try {
      Map<String, Object> config = new HashMap<>();
      given.path("config").properties().forEach(e -> config.put(e.getKey(), e.getValue().asText()));
      Object converter = Class.forName(given.get("class").asText()).getDeclaredConstructor().newInstance();
      boolean isHeader = given.path("header").asBoolean();
      boolean isKey = given.path("key").asBoolean();
      if (isHeader) {
        config.put("converter.type", "header");
        ((HeaderConverter) converter).configure(config);
      } else ((Converter) converter).configure(config, isKey);
      if (given.has("read")) {
        byte[] bytes = bytes(given.get("read"));
        SchemaAndValue read = isHeader
            ? ((HeaderConverter) converter).toConnectHeader("t", "h", bytes)
            : ((Converter) converter).toConnectData("t", new RecordHeaders(), bytes);
        answer.set("schema", SCHEMAS.asJsonSchema(read.schema()));
        answer.set("value", tagged(read.value()));
      } else {
        JsonNode write = given.get("write");
        Schema schema = SCHEMAS.asConnectSchema(write.get("schema"));
        Object value = value(write.get("value"), schema);
        byte[] bytes = isHeader
            ? ((HeaderConverter) converter).fromConnectHeader("t", "h", schema, value)
            : ((Converter) converter).fromConnectData("t", new RecordHeaders(), schema, value);
        answer.put("bytes", bytes == null ? null : HexFormat.of().formatHex(bytes));
      }
    } catch (Throwable error) {
      answer.put("error", error.getClass().getSimpleName());
    }
    return answer;
  }

  /** `{"hex": …}`, `{"text": …}`, `{"repeat": [prefix, text, times, suffix]}` or null. */
  static byte[] bytes(JsonNode given) throws Exception {
    if (given.isNull()) return null;
    if (given.has("hex")) return HexFormat.of().parseHex(given.get("hex").asText());
    if (given.has("text")) return given.get("text").asText().getBytes(given.path("encoding").asText("UTF-8"));
    JsonNode parts = given.get("repeat");
    return (parts.get(0).asText() + parts.get(1).asText().repeat(parts.get(2).asInt()) + parts.get(3).asText()).getBytes("UTF-8");
  }

  /** Lists in lists. */
  static int depth(Object value) {
    int depth = 0;
    for (; value instanceof List<?> list; depth++) value = list.isEmpty() ? null : list.get(0);
    return depth;
  }

  /** A value with the word of its type: `{"int64": "7"}`. */
  static JsonNode tagged(Object value) {
    if (value == null) return NullNode.instance;
    if (depth(value) > 50) return JSON.createObjectNode().put("depth", depth(value));
    ObjectNode tagged = JSON.createObjectNode();
    if (value instanceof Boolean b) return tagged.put("boolean", b);
    if (value instanceof Byte n) return tagged.put("int8", n.toString());
    if (value instanceof Short n) return tagged.put("int16", n.toString());
    if (value instanceof Integer n) return tagged.put("int32", n.toString());
    if (value instanceof Long n) return tagged.put("int64", n.toString());
    if (value instanceof Float n) return tagged.put("float", n.toString());
    if (value instanceof Double n) return tagged.put("double", n.toString());
    if (value instanceof String s) return tagged.put("string", s);
    if (value instanceof byte[] b) return tagged.put("bytes", HexFormat.of().formatHex(b));
    if (value instanceof java.nio.ByteBuffer b) return tagged.put("bytes", HexFormat.of().formatHex(b.array()));
    if (value instanceof BigDecimal d)
      return tagged.set("decimal", JSON.createArrayNode().add(d.unscaledValue().toString()).add(d.scale()));
    if (value instanceof java.util.Date d) return tagged.put("date", d.getTime());
    ArrayNode items = JSON.createArrayNode();
    if (value instanceof List<?> list) {
      for (Object item : list) items.add(tagged(item));
      return tagged.set("array", items);
    }
    if (value instanceof Map<?, ?> map) {
      map.forEach((k, v) -> items.add(JSON.createArrayNode().add(tagged(k)).add(tagged(v))));
      return tagged.set("map", items);
    }
    Struct struct = (Struct) value;
    for (Field field : struct.schema().fields())
      items.add(JSON.createArrayNode().add(field.name()).add(tagged(struct.getWithoutDefault(field.name()))));
    return tagged.set("struct", items);
  }

  static Object value(JsonNode given, Schema schema) {
    if (given.isNull()) return null;
    String type = given.fieldNames().next();
    JsonNode data = given.get(type);
    switch (type) {
      case "boolean": return data.asBoolean();
      case "int8": return Byte.valueOf(data.asText());
      case "int16": return Short.valueOf(data.asText());
      case "int32": return Integer.valueOf(data.asText());
      case "int64": return Long.valueOf(data.asText());
      case "float": return Float.valueOf(data.asText());
      case "double": return Double.valueOf(data.asText());
      case "string": return data.asText();
      case "bytes": return HexFormat.of().parseHex(data.asText());
      case "decimal": return new BigDecimal(new BigInteger(data.get(0).asText()), data.get(1).asInt());
      case "date": return new java.util.Date(data.asLong());
      case "array": {
        List<Object> list = new ArrayList<>();
        for (JsonNode item : data) list.add(value(item, schema == null ? null : schema.valueSchema()));
        return list;
      }
      case "map": {
        Map<Object, Object> map = new LinkedHashMap<>();
        for (JsonNode pair : data)
          map.put(value(pair.get(0), schema == null ? null : schema.keySchema()), value(pair.get(1), schema == null ? null : schema.valueSchema()));
        return map;
      }
      default: {
        Struct struct = new Struct(schema);
        for (JsonNode pair : data)
          struct.put(pair.get(0).asText(), value(pair.get(1), schema.field(pair.get(0).asText()).schema()));
        return struct;
      }
    }
  }
}
