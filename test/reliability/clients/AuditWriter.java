import java.io.BufferedWriter;
import java.io.FileWriter;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Kafka's own producer, which shares no code with Sluice: `servers topic partitions records perSecond schemaId poisonEvery log`.
 * Record `id` goes to partition `id % partitions`: an Avro record in Confluent's framing with the id, a CRC over all the
 * rest and the four lengths of an iris. Every `poisonEvery`th (0: none) is spoiled in one of eight ways. What the broker
 * has acknowledged is a line of the log, `partition offset id poison`; each second it prints how many that are.
 */
public class AuditWriter {
    public static void main(String[] args) throws Exception {
        String topic = args[1];
        int partitions = Integer.parseInt(args[2]);
        long records = Long.parseLong(args[3]);
        double perSecond = Double.parseDouble(args[4]);
        int schema = Integer.parseInt(args[5]);
        long poisonEvery = Long.parseLong(args[6]);
        Map<String, Object> config = Map.of(
                "bootstrap.servers", args[0],
                "acks", "all",
                "enable.idempotence", true,
                "linger.ms", 5,
                "delivery.timeout.ms", 600_000,
                "request.timeout.ms", 10_000,
                "max.block.ms", 600_000,
                "reconnect.backoff.max.ms", 500);
        AtomicLong acknowledged = new AtomicLong();
        AtomicLong failed = new AtomicLong();
        try (BufferedWriter log = new BufferedWriter(new FileWriter(args[7]));
                KafkaProducer<byte[], byte[]> producer =
                        new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
            long began = System.nanoTime();
            long said = began;
            for (long id = 0; id < records; id++) {
                boolean poison = poisonEvery > 0 && id % poisonEvery == poisonEvery - 1;
                byte[] value = poison ? poison(id, (int) (id / poisonEvery % 8), schema) : value(id, schema);
                long number = id;
                producer.send(new ProducerRecord<>(topic, (int) (id % partitions), null, value), (metadata, error) -> {
                    if (error != null) {
                        failed.incrementAndGet();
                        System.err.println("not acknowledged: " + number + ": " + error);
                        return;
                    }
                    acknowledged.incrementAndGet();
                    write(log, metadata.partition() + " " + metadata.offset() + " " + number + " " + (poison ? 1 : 0));
                });
                long due = began + (long) (id / perSecond * 1e9);
                while (perSecond > 0 && System.nanoTime() < due) Thread.sleep(1);
                if (System.nanoTime() - said > 1e9) {
                    System.out.println(acknowledged);
                    said = System.nanoTime();
                }
            }
            producer.flush();
        }
        System.out.println("done " + acknowledged + " " + failed);
    }

    static synchronized void write(BufferedWriter log, String line) {
        try {
            log.write(line);
            log.newLine();
        } catch (java.io.IOException error) {
            throw new java.io.UncheckedIOException(error);
        }
    }

    static double[] lengths(long id) {
        return new double[] {4.3 + id % 37 / 10.0, 2 + id % 25 / 10.0, 1 + id % 59 / 10.0, 0.1 + id % 24 / 10.0};
    }

    static byte[] value(long id, int schema) {
        double[] lengths = lengths(id);
        ByteBuffer out = ByteBuffer.allocate(5 + 20 + 32);
        out.put((byte) 0).putInt(schema);
        zigzag(out, id);
        zigzag(out, checksum(id, lengths));
        out.order(java.nio.ByteOrder.LITTLE_ENDIAN);
        for (double length : lengths) out.putDouble(length);
        byte[] bytes = new byte[out.position()];
        out.flip();
        out.get(bytes);
        return bytes;
    }

    static long checksum(long id, double[] lengths) {
        ByteBuffer checked = ByteBuffer.allocate(40).putLong(id);
        for (double length : lengths) checked.putDouble(length);
        CRC32 crc = new CRC32();
        crc.update(checked.array());
        return crc.getValue();
    }

    static void zigzag(ByteBuffer out, long value) {
        long left = (value << 1) ^ (value >> 63);
        while ((left & ~0x7FL) != 0) {
            out.put((byte) (left & 0x7f | 0x80));
            left >>>= 7;
        }
        out.put((byte) left);
    }

    /** What no converter can read, in eight ways. */
    static byte[] poison(long id, int kind, int schema) {
        byte[] good = value(id, schema);
        switch (kind) {
            case 0: // another magic byte
                good[0] = 7;
                return good;
            case 1: // shorter than a schema id
                return new byte[] {0, 0, 0};
            case 2: // a schema that the registry does not know
                return ByteBuffer.wrap(good).putInt(1, 999_999).array();
            case 3: // cut off
                return java.util.Arrays.copyOf(good, good.length - 9);
            case 4: // a byte too many
                return java.util.Arrays.copyOf(good, good.length + 1);
            case 5: // nothing at all
                return new byte[0];
            case 6: // a number that never ends
                java.util.Arrays.fill(good, 5, good.length, (byte) 0xff);
                return good;
            default: // a text
                return ("record " + id).getBytes();
        }
    }
}
