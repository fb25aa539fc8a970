import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.storage.SimpleHeaderConverter;
import org.apache.kafka.connect.transforms.Transformation;
import org.apache.kafka.connect.transforms.predicates.Predicate;

/** Runs Apache's transforms and predicates on cases. See README.md. */
class TransformOracle {
    static final ObjectMapper JSON = new ObjectMapper();
    static final String PACKAGE = "org.apache.kafka.connect.transforms.";
    static final SimpleHeaderConverter HEADERS = new SimpleHeaderConverter();

    static ObjectNode outcome(JsonNode c) {
        ObjectNode result = JSON.createObjectNode();
        SinkRecord record = record(c.get("record"));
        Map<String, String> config = new HashMap<>();
        c.get("config").properties().forEach(e -> config.put(e.getKey(), e.getValue().textValue()));
        Object plugin;
        try {
            plugin = Class.forName(PACKAGE + c.get("class").textValue()).getDeclaredConstructor().newInstance();
            if (plugin instanceof Predicate<?> p) p.configure(config);
            else ((Transformation<?>) plugin).configure(config);
        } catch (Exception | StackOverflowError e) {
            return result.put("config", String.valueOf(e.getMessage()));
        }
        try {
            if (plugin instanceof Predicate<?> p) {
                @SuppressWarnings("unchecked") Predicate<SinkRecord> predicate = (Predicate<SinkRecord>) p;
                return result.put("matches", predicate.test(record));
            }
            @SuppressWarnings("unchecked") Transformation<SinkRecord> transform = (Transformation<SinkRecord>) plugin;
            return after(transform.apply(record));
        } catch (Exception e) {
            return JSON.createObjectNode().put("error", String.valueOf(e.getMessage()));
        }
    }

    static ObjectNode after(SinkRecord after) {
        ObjectNode result = JSON.createObjectNode();
        if (after == null) return result.put("dropped", true);
        result.put("topic", after.topic()).put("timestamp", after.timestamp());
        result.set("key", data(after.keySchema(), after.key()));
        result.set("value", data(after.valueSchema(), after.value()));
        ArrayNode headers = result.putArray("headers");
        for (Header h : after.headers()) {
            byte[] bytes = HEADERS.fromConnectHeader("t", h.key(), h.schema(), h.value());
            headers.addArray().add(h.key()).add(bytes == null ? null : new String(bytes, StandardCharsets.UTF_8));
        }
        return result;
    }

    static SinkRecord record(JsonNode r) {
        ConnectHeaders headers = new ConnectHeaders();
        for (JsonNode h : r.get("headers")) {
            byte[] bytes = h.get(1).isNull() ? null : h.get(1).textValue().getBytes(StandardCharsets.UTF_8);
            headers.add(h.get(0).textValue(), HEADERS.toConnectHeader("t", h.get(0).textValue(), bytes));
        }
        Schema key = schema(r.get("key").get("schema"));
        Schema value = schema(r.get("value").get("schema"));
        JsonNode time = r.get("timestamp");
        return new SinkRecord(r.get("topic").textValue(), 3, key, value(r.get("key").get("value"), key), value,
            value(r.get("value").get("value"), value), 42, time.isNull() ? null : time.longValue(),
            TimestampType.CREATE_TIME, headers);
    }

    static Schema schema(JsonNode s) {
        if (s == null || s.isNull()) return null;
        Schema.Type type = Schema.Type.valueOf(s.get("type").textValue());
        SchemaBuilder b = switch (type) {
            case ARRAY -> SchemaBuilder.array(schema(s.get("valueSchema")));
            case MAP -> SchemaBuilder.map(schema(s.get("keySchema")), schema(s.get("valueSchema")));
            default -> new SchemaBuilder(type);
        };
        if (s.has("fields")) for (JsonNode f : s.get("fields")) b.field(f.get("name").textValue(), schema(f.get("schema")));
        if (s.get("optional").booleanValue()) b.optional();
        if (s.has("name")) b.name(s.get("name").textValue());
        if (s.has("version")) b.version(s.get("version").intValue());
        if (s.has("doc")) b.doc(s.get("doc").textValue());
        if (s.has("parameters")) s.get("parameters").properties().forEach(e -> b.parameter(e.getKey(), e.getValue().textValue()));
        if (s.has("default")) b.defaultValue(value(s.get("default"), type == Schema.Type.STRUCT ? b : null));
        return b.build();
    }

    /** Values name their Java class: see transform-values.ts. */
    static Object value(JsonNode v, Schema schema) {
        if (v == null || v.isNull()) return null;
        if (v.isBoolean()) return v.booleanValue();
        JsonNode x = v.get(1);
        switch (v.get(0).textValue()) {
            case "byte": return (byte) x.intValue();
            case "short": return (short) x.intValue();
            case "int": return x.intValue();
            case "long": return Long.valueOf(x.textValue());
            case "float": return Float.valueOf(x.textValue());
            case "double": return Double.valueOf(x.textValue());
            case "string": return x.textValue();
            case "bytes": return Base64.getDecoder().decode(x.textValue());
            case "date": return new Date(x.longValue());
            case "decimal": return new BigDecimal(new BigInteger(x.textValue()), v.get(2).intValue());
            case "list": {
                List<Object> list = new ArrayList<>();
                for (JsonNode item : x) list.add(value(item, schema == null ? null : schema.valueSchema()));
                return list;
            }
            case "map": {
                Map<Object, Object> map = new LinkedHashMap<>();
                for (JsonNode e : x) map.put(value(e.get(0), null), value(e.get(1), schema == null ? null : schema.valueSchema()));
                return map;
            }
            default: {
                Struct struct = new Struct(schema);
                for (JsonNode e : x) {
                    Field field = schema.field(e.get(0).textValue());
                    Object item = value(e.get(1), field.schema());
                    if (item != null) struct.put(field, item);
                }
                return struct;
            }
        }
    }

    static ObjectNode data(Schema schema, Object value) {
        ObjectNode node = JSON.createObjectNode();
        node.set("schema", json(schema));
        node.set("value", json(value));
        return node;
    }

    static JsonNode json(Schema s) {
        if (s == null) return JSON.nullNode();
        ObjectNode node = JSON.createObjectNode().put("type", s.type().name()).put("optional", s.isOptional());
        if (s.defaultValue() != null) node.set("default", json(s.defaultValue()));
        if (s.name() != null) node.put("name", s.name());
        if (s.version() != null) node.put("version", s.version());
        if (s.doc() != null) node.put("doc", s.doc());
        if (s.parameters() != null) {
            ObjectNode parameters = node.putObject("parameters");
            s.parameters().forEach(parameters::put);
        }
        if (s.type() == Schema.Type.STRUCT) {
            ArrayNode fields = node.putArray("fields");
            for (Field f : s.fields()) fields.addObject().put("name", f.name()).set("schema", json(f.schema()));
        }
        if (s.type() == Schema.Type.MAP) node.set("keySchema", json(s.keySchema()));
        if (s.type() == Schema.Type.MAP || s.type() == Schema.Type.ARRAY) node.set("valueSchema", json(s.valueSchema()));
        return node;
    }

    static JsonNode json(Object v) {
        if (v == null) return JSON.nullNode();
        if (v instanceof Boolean b) return JSON.getNodeFactory().booleanNode(b);
        ArrayNode n = JSON.createArrayNode();
        if (v instanceof Byte b) return n.add("byte").add(b.intValue());
        if (v instanceof Short s) return n.add("short").add(s.intValue());
        if (v instanceof Integer i) return n.add("int").add(i);
        if (v instanceof Long l) return n.add("long").add(l.toString());
        if (v instanceof Float f) return n.add("float").add(f.toString());
        if (v instanceof Double d) return n.add("double").add(d.toString());
        if (v instanceof String s) return n.add("string").add(s);
        if (v instanceof byte[] b) return n.add("bytes").add(Base64.getEncoder().encodeToString(b));
        if (v instanceof ByteBuffer b) return json(b.array());
        if (v instanceof Date d) return n.add("date").add(d.getTime());
        if (v instanceof BigDecimal d) return n.add("decimal").add(d.unscaledValue().toString()).add(d.scale());
        ArrayNode items = JSON.createArrayNode();
        if (v instanceof List<?> l) {
            l.forEach(item -> items.add(json(item)));
            return n.add("list").add(items);
        }
        if (v instanceof Map<?, ?> m) {
            m.forEach((k, item) -> items.addArray().add(json(k)).add(json(item)));
            return n.add("map").add(items);
        }
        Struct struct = (Struct) v;
        for (Field f : struct.schema().fields()) items.addArray().add(f.name()).add(json(struct.getWithoutDefault(f.name())));
        return n.add("struct").add(items);
    }
}
