import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Assignment;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.consumer.internals.ConsumerProtocol;
import org.apache.kafka.common.TopicPartition;

/** Prints the bytes of Kafka's ConsumerProtocol and what its RangeAssignor decides, as JSON. See README.md beside it. */
public class ConsumerGolden {
    static final StringBuilder OUT = new StringBuilder();

    public static void main(String[] args) {
        OUT.append("{\n  \"by\": \"org.apache.kafka:kafka-clients:4.3.1\",\n  \"subscriptions\": [");
        List<Subscription> subscriptions = List.of(
            new Subscription(List.of("flights")),
            new Subscription(List.of("b", "a", "überflug"), bytes("user"),
                List.of(new TopicPartition("b", 1), new TopicPartition("a", 3), new TopicPartition("b", 0)), 42,
                Optional.of("rack-1")),
            new Subscription(List.of(), bytes(""), List.of(), -1, Optional.empty()));
        String before = "";
        for (Subscription s : subscriptions) {
            for (short version = 0; version <= 3; version++) {
                OUT.append(before).append("\n    { \"version\": ").append(version)
                    .append(", \"topics\": ").append(names(s.topics().stream().sorted().toList()))
                    .append(", \"userData\": ").append(s.userData() == null ? "null" : quote(hex(s.userData())))
                    .append(", \"owned\": ").append(owned(s.ownedPartitions()))
                    .append(", \"generation\": ").append(s.generationId().orElse(-1))
                    .append(", \"rack\": ").append(s.rackId().map(ConsumerGolden::quote).orElse("null"))
                    .append(",\n      \"hex\": \"").append(hex(ConsumerProtocol.serializeSubscription(s, version))).append("\" }");
                before = ",";
            }
        }
        OUT.append("\n  ],\n  \"assignments\": [");
        List<Assignment> assignments = List.of(
            new Assignment(List.of()),
            new Assignment(List.of(new TopicPartition("flights", 0), new TopicPartition("flights", 1))),
            new Assignment(List.of(new TopicPartition("b", 2), new TopicPartition("a", 0), new TopicPartition("b", 7)), bytes("x")));
        before = "";
        for (Assignment a : assignments) {
            OUT.append(before).append("\n    { \"partitions\": ").append(partitions(a.partitions()))
                .append(", \"userData\": ").append(a.userData() == null ? "null" : quote(hex(a.userData())))
                .append(", \"hex\": \"").append(hex(ConsumerProtocol.serializeAssignment(a))).append("\" }");
            before = ",";
        }
        OUT.append("\n  ],\n  \"ranges\": [");
        Random random = new Random(3);
        for (int i = 0; i < 40; i++) range(random, i == 0 ? "" : ",");
        System.out.println(OUT.append("\n  ]\n}"));
    }

    /** A random group: topics of 0 to 9 partitions, members with and without an instance id. */
    static void range(Random random, String before) {
        Map<String, Integer> topics = new TreeMap<>();
        for (int t = 0, n = 1 + random.nextInt(4); t < n; t++) topics.put("t" + t, random.nextInt(10));
        Map<String, Subscription> members = new TreeMap<>();
        List<String> shown = new ArrayList<>();
        for (int m = 0, n = 1 + random.nextInt(5); m < n; m++) {
            String id = "member-" + (char) ('A' + random.nextInt(26)) + Integer.toHexString(random.nextInt(0x1000)) + m;
            List<String> wanted = topics.keySet().stream().filter(t -> random.nextInt(4) > 0).toList();
            String instance = random.nextInt(3) == 0 ? "instance-" + (9 - m) : null;
            Subscription subscription = new Subscription(wanted);
            subscription.setGroupInstanceId(Optional.ofNullable(instance));
            members.put(id, subscription);
            shown.add("{ \"memberId\": " + quote(id) + ", \"groupInstanceId\": " + (instance == null ? "null" : quote(instance))
                + ", \"topics\": " + names(wanted) + " }");
        }
        Map<String, List<TopicPartition>> assigned = new RangeAssignor().assign(topics, members);
        List<String> result = members.keySet().stream().map(id -> quote(id) + ": " + partitions(assigned.get(id).stream()
            .sorted((a, b) -> a.topic().equals(b.topic()) ? a.partition() - b.partition() : a.topic().compareTo(b.topic()))
            .toList())).toList();
        OUT.append(before).append("\n    { \"topics\": {").append(String.join(", ", topics.entrySet().stream()
            .map(e -> quote(e.getKey()) + ": " + e.getValue()).toList()))
            .append("}, \"members\": [").append(String.join(", ", shown))
            .append("],\n      \"assigned\": {").append(String.join(", ", result)).append("} }");
    }

    static String partitions(List<TopicPartition> list) {
        return "[" + String.join(", ", list.stream()
            .map(p -> "[" + quote(p.topic()) + ", " + p.partition() + "]").toList()) + "]";
    }

    static String owned(List<TopicPartition> list) {
        return partitions(list.stream()
            .sorted((a, b) -> a.topic().equals(b.topic()) ? a.partition() - b.partition() : a.topic().compareTo(b.topic()))
            .toList());
    }

    static String names(List<String> names) {
        return "[" + String.join(", ", names.stream().map(ConsumerGolden::quote).toList()) + "]";
    }

    static String quote(String text) {
        return '"' + text + '"';
    }

    static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes());
    }

    static String hex(ByteBuffer bytes) {
        byte[] copy = new byte[bytes.remaining()];
        bytes.duplicate().get(copy);
        return HexFormat.of().formatHex(copy);
    }
}
