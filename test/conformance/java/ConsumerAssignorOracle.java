import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Assignment;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.consumer.RoundRobinAssignor;
import org.apache.kafka.clients.consumer.StickyAssignor;
import org.apache.kafka.clients.consumer.internals.AbstractPartitionAssignor;
import org.apache.kafka.clients.consumer.internals.ConsumerProtocol;
import org.apache.kafka.common.TopicPartition;

/**
 * Lets Kafka's own assignors share out the groups of a file, one a line: `assignor topic=count,… member,instance,hex …`, where
 * hex is a subscription as it travels. Prints `member,hex …` of the assignments, or `! why` where the class gives up. See README.md.
 */
public class ConsumerAssignorOracle {
    public static void main(String[] args) throws Exception {
        StringBuilder out = new StringBuilder();
        for (String line : Files.readAllLines(Path.of(args[0]))) {
            try {
                out.append(share(line.split(" "))).append('\n');
            } catch (IllegalStateException e) {
                out.append("! ").append(e.getMessage()).append('\n'); // claims that contradict each other
            }
        }
        Files.writeString(Path.of(args[1]), out.toString());
    }

    static String share(String[] words) {
        Map<String, Integer> counts = new HashMap<>();
        for (String each : words[1].split(",")) {
            String[] pair = each.split("=");
            counts.put(pair[0], Integer.valueOf(pair[1]));
        }
        Map<String, Subscription> members = new HashMap<>();
        List<String> ids = new ArrayList<>();
        for (int i = 2; i < words.length; i++) {
            String[] parts = words[i].split(",");
            Subscription subscription = ConsumerProtocol.deserializeSubscription(
                ByteBuffer.wrap(HexFormat.of().parseHex(parts[2])));
            if (!parts[1].isEmpty()) subscription.setGroupInstanceId(Optional.of(parts[1]));
            members.put(parts[0], subscription);
            ids.add(parts[0]);
        }
        Map<String, List<TopicPartition>> shares = assignor(words[0]).assign(counts, members);
        return String.join(" ", ids.stream().map(id -> {
            List<TopicPartition> sorted = new ArrayList<>(shares.get(id));
            sorted.sort((a, b) -> a.topic().equals(b.topic())
                ? a.partition() - b.partition() : a.topic().compareTo(b.topic()));
            return id + "," + HexFormat.of().formatHex(bytes(ConsumerProtocol.serializeAssignment(new Assignment(sorted))));
        }).toList());
    }

    static AbstractPartitionAssignor assignor(String name) {
        return switch (name) {
            case "range" -> new RangeAssignor();
            case "roundrobin" -> new RoundRobinAssignor();
            case "sticky" -> new StickyAssignor();
            default -> new CooperativeStickyAssignor();
        };
    }

    static byte[] bytes(ByteBuffer buffer) {
        byte[] copy = new byte[buffer.remaining()];
        buffer.get(copy);
        return copy;
    }
}
