import java.io.BufferedWriter;
import java.io.FileWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Kafka's own consumer: `servers topic isolation log [follow]`. Reads a topic from its start to its end and writes a line a
 * record: `partition offset id sound origin headers`. `sound` is 1 where the CRC of AuditWriter fits, or the value is a number as a text; `origin` is
 * `partition:offset` and `headers` the number of different `__connect.errors.` headers, of a dead letter. With `follow` it
 * goes on until its standard input ends, and then to the end of the topic.
 */
public class AuditReader {
    private static volatile boolean following;

    public static void main(String[] args) throws Exception {
        following = args.length > 4;
        if (following) untilInputEnds();
        Map<String, Object> config = Map.of(
                "bootstrap.servers", args[0],
                "isolation.level", args[2],
                "auto.offset.reset", "earliest",
                "enable.auto.commit", false,
                "max.poll.records", 20_000,
                "fetch.max.wait.ms", 100,
                "default.api.timeout.ms", 180_000,
                "reconnect.backoff.max.ms", 500);
        long count = 0;
        try (BufferedWriter log = new BufferedWriter(new FileWriter(args[3]));
                KafkaConsumer<byte[], byte[]> consumer =
                        new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = consumer.partitionsFor(args[1]).stream()
                    .map(info -> new TopicPartition(info.topic(), info.partition()))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = null;
            while (ends == null || !isAt(consumer, ends)) {
                if (ends == null && !following) ends = endOffsets(args[0], partitions);
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                    log.write(line(record));
                    log.newLine();
                    count++;
                }
            }
        }
        System.out.println("done " + count);
    }

    /** Of all records, so that a reader of committed ones waits for the end of transactions that are open still. */
    private static Map<TopicPartition, Long> endOffsets(String servers, List<TopicPartition> partitions) {
        Map<String, Object> config = Map.of("bootstrap.servers", servers, "isolation.level", "read_uncommitted");
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            return consumer.endOffsets(partitions);
        }
    }

    private static void untilInputEnds() {
        Thread waiting = new Thread(() -> {
            try {
                while (System.in.read() >= 0) continue;
            } catch (IOException error) {
                System.err.println(error);
            }
            following = false;
        });
        waiting.setDaemon(true);
        waiting.start();
    }

    private static boolean isAt(KafkaConsumer<?, ?> consumer, Map<TopicPartition, Long> ends) {
        return ends.entrySet().stream().allMatch(end -> consumer.position(end.getKey()) >= end.getValue());
    }

    private static String line(ConsumerRecord<byte[], byte[]> record) {
        long headers = 0;
        String partition = "";
        String offset = "";
        java.util.Set<String> names = new java.util.HashSet<>();
        for (Header header : record.headers()) {
            if (!header.key().startsWith("__connect.errors.")) continue;
            names.add(header.key());
            if (header.key().endsWith(".partition")) partition = text(header);
            if (header.key().endsWith(".offset")) offset = text(header);
        }
        headers = names.size();
        long[] read = read(record.value());
        return record.partition() + " " + record.offset() + " " + read[0] + " " + read[1] + " "
                + (headers == 0 ? "-" : partition + ":" + offset) + " " + headers;
    }

    private static String text(Header header) {
        return new String(header.value(), StandardCharsets.UTF_8);
    }

    /** The id, and 1 where the CRC fits, or of a text in digits; -1 and 0 where it is neither. */
    private static long[] read(byte[] value) {
        if (value != null && value.length > 0 && value.length < 19 && isDigits(value))
            return new long[] {Long.parseLong(new String(value, StandardCharsets.UTF_8)), 1};
        if (value == null || value.length < 39 || value[0] != 0) return new long[] {-1, 0};
        ByteBuffer in = ByteBuffer.wrap(value, 5, value.length - 5);
        try {
            long id = zigzag(in);
            long crc = zigzag(in);
            ByteBuffer checked = ByteBuffer.allocate(40).putLong(id);
            in.order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < 4; i++) checked.putDouble(in.getDouble());
            CRC32 computed = new CRC32();
            computed.update(checked.array());
            return new long[] {id, computed.getValue() == crc ? 1 : 0};
        } catch (java.nio.BufferUnderflowException error) {
            return new long[] {-1, 0};
        }
    }

    private static boolean isDigits(byte[] value) {
        for (byte each : value) if (each < '0' || each > '9') return false;
        return true;
    }

    private static long zigzag(ByteBuffer in) {
        long value = 0;
        for (int shift = 0; ; shift += 7) {
            byte next = in.get();
            value |= (next & 0x7fL) << shift;
            if (next >= 0) return (value >>> 1) ^ -(value & 1);
        }
    }
}
