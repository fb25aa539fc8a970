import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.*;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.runtime.standalone.StandaloneConfig;
import org.apache.kafka.connect.storage.FileOffsetBackingStore;

/**
 * Offsets files as Kafka Connect's own FileOffsetBackingStore writes them, each with what was put into it. With the name
 * of a file: what the same class reads of it.
 */
public class OffsetsGolden {
    public static void main(String[] args) throws Exception {
        if (args.length > 0) {
            read(Path.of(args[0]));
            return;
        }
        List<String> cases = new ArrayList<>();
        cases.add(write("nothing", Map.of()));
        cases.add(write("one", Map.of(key("a", 0), value(1))));
        Map<ByteBuffer, ByteBuffer> odd = new HashMap<>();
        odd.put(key("name \u00e9\u4e2d \ud83d\ude00", 0), value(2));
        odd.put(key("removed", 0), null);
        odd.put(key("empty", 0), ByteBuffer.wrap(new byte[0]));
        cases.add(write("odd", odd));
        ByteBuffer shared = value(3);
        cases.add(write("the same array twice", Map.of(key("a", 0), shared, key("a", 1), shared)));
        for (int count : new int[] {12, 13, 49}) {
            Map<ByteBuffer, ByteBuffer> many = new HashMap<>();
            for (int i = 0; i < count; i++) many.put(key("many", i), value(i));
            cases.add(write("many " + count, many));
        }
        System.out.println("[\n" + String.join(",\n", cases) + "\n]");
    }

    static ByteBuffer key(String connector, int partition) {
        return bytes("[\"" + connector + "\",{\"filename\":\"/tmp/in-" + partition + ".txt\"}]");
    }

    static ByteBuffer value(long position) {
        return bytes("{\"position\":" + position + "}");
    }

    static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    static FileOffsetBackingStore open(Path file) {
        JsonConverter converter = new JsonConverter();
        converter.configure(Map.of("schemas.enable", "false"), true);
        FileOffsetBackingStore store = new FileOffsetBackingStore(converter);
        store.configure(new StandaloneConfig(Map.of(
            "bootstrap.servers", "localhost:9092",
            "key.converter", "org.apache.kafka.connect.json.JsonConverter",
            "value.converter", "org.apache.kafka.connect.json.JsonConverter",
            "offset.storage.file.filename", file.toString())));
        store.start();
        return store;
    }

    static String write(String name, Map<ByteBuffer, ByteBuffer> entries) throws Exception {
        Path file = Files.createTempFile("offsets", null);
        Files.delete(file);
        FileOffsetBackingStore store = open(file);
        store.set(entries, null).get();
        store.stop();
        byte[] bytes = Files.readAllBytes(file);
        Files.delete(file);
        List<String> texts = new ArrayList<>();
        for (Map.Entry<ByteBuffer, ByteBuffer> entry : entries.entrySet())
            texts.add("[" + json(entry.getKey()) + "," + json(entry.getValue()) + "]");
        Collections.sort(texts);
        return "{\"name\":\"" + name + "\",\"file\":\"" + Base64.getEncoder().encodeToString(bytes)
            + "\",\"entries\":[" + String.join(",", texts) + "]}";
    }

    static String json(ByteBuffer bytes) {
        if (bytes == null) return "null";
        String text = new String(bytes.array(), StandardCharsets.UTF_8);
        return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }

    /** What the file holds for each key that standard input has a line of. */
    static void read(Path file) throws Exception {
        FileOffsetBackingStore store = open(file);
        for (String line : new Scanner(System.in).useDelimiter("\\A").next().split("\n")) {
            ByteBuffer key = bytes(line);
            System.out.println(line + " " + json(store.get(List.of(key)).get().get(key)));
        }
        store.stop();
    }
}
