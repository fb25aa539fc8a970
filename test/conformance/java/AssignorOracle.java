import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.apache.kafka.clients.GroupRebalanceConfig;
import org.apache.kafka.common.message.JoinGroupResponseData.JoinGroupResponseMember;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.utils.LogContext;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.connect.runtime.distributed.ConnectAssignor;
import org.apache.kafka.connect.runtime.distributed.ConnectProtocolCompatibility;
import org.apache.kafka.connect.runtime.distributed.EagerAssignor;
import org.apache.kafka.connect.runtime.distributed.IncrementalCooperativeAssignor;
import org.apache.kafka.connect.runtime.distributed.WorkerCoordinator;
import org.apache.kafka.connect.storage.ClusterConfigState;
import org.apache.kafka.connect.util.ConnectorTaskId;

/**
 * Asks Kafka Connect's assignors: `java AssignorOracle CASES OUTCOMES`, a line of JSON for each sequence of rebalances and
 * for what the leaders assigned. See README.md.
 */
public class AssignorOracle {
    static final HexFormat HEX = HexFormat.of();
    static final ObjectMapper JSON = new ObjectMapper();

    /** A clock that stands where the case says. */
    static class Clock implements Time {
        long now;
        public long milliseconds() { return now; }
        public long nanoseconds() { return now * 1_000_000; }
        public void sleep(long ms) { now += ms; }
        public void waitObject(Object object, Supplier<Boolean> condition, long deadline) { }
    }

    /** A leader's place in its group, as the case says; it never talks to a broker. */
    static class Leader extends WorkerCoordinator {
        int generation;
        int lastGeneration;
        ClusterConfigState configs;

        Leader(Clock clock) {
            super(new GroupRebalanceConfig(6000, 60000, 2000, "group", Optional.empty(), null, 100, 1000), new LogContext(),
                null, new Metrics(), "oracle", clock, "http://leader/", null, null, ConnectProtocolCompatibility.SESSIONED, 0);
        }
        public int generationId() { return generation; }
        public int lastCompletedGenerationId() { return lastGeneration; }
        public String memberId() { return "leader"; }
        public ClusterConfigState configSnapshot() { return configs; }
        public ClusterConfigState configFreshSnapshot() { return configs; }
    }

    public static void main(String[] args) throws Exception {
        try (BufferedReader in = Files.newBufferedReader(Path.of(args[0]));
             BufferedWriter out = Files.newBufferedWriter(Path.of(args[1]))) {
            for (String line; (line = in.readLine()) != null;) {
                out.write(JSON.writeValueAsString(outcome(JSON.readTree(line))));
                out.newLine();
            }
        }
    }

    static ArrayNode outcome(JsonNode given) {
        Clock clock = new Clock();
        Leader leader = new Leader(clock);
        Map<String, ConnectAssignor> assignors = new HashMap<>();
        ArrayNode rounds = JSON.createArrayNode();
        for (JsonNode round : given.get("rounds")) {
            clock.now = round.get("now").asLong();
            leader.generation = round.get("generation").asInt();
            leader.lastGeneration = round.get("lastGeneration").asInt();
            leader.configs = configs(round);
            String leaderId = round.get("leader").asText();
            String protocol = round.get("protocol").asText();
            int delay = given.get("maxDelay").asInt();
            ConnectAssignor assignor = assignors.computeIfAbsent(round.get("assignor").asText(), id ->
                protocol.equals("default")
                    ? new EagerAssignor(new LogContext())
                    : new IncrementalCooperativeAssignor(new LogContext(), clock, delay));
            List<JoinGroupResponseMember> members = new ArrayList<>();
            round.get("members").fields().forEachRemaining(member -> members.add(new JoinGroupResponseMember()
                .setMemberId(member.getKey()).setMetadata(HEX.parseHex(member.getValue().asText()))));
            Map<String, ByteBuffer> assigned = assignor.performAssignment(
                leaderId, ConnectProtocolCompatibility.fromProtocol(protocol), members, leader);
            ObjectNode outcome = rounds.addObject();
            assigned.forEach((member, bytes) -> outcome.put(member, hex(bytes)));
        }
        return rounds;
    }

    static String hex(ByteBuffer bytes) {
        byte[] copy = new byte[bytes.remaining()];
        bytes.duplicate().get(copy);
        return HEX.formatHex(copy);
    }

    static ClusterConfigState configs(JsonNode round) {
        Map<String, Integer> counts = new HashMap<>();
        Map<String, Map<String, String>> connectors = new HashMap<>();
        Map<ConnectorTaskId, Map<String, String>> tasks = new HashMap<>();
        round.get("connectors").fields().forEachRemaining(connector -> {
            String name = connector.getKey();
            int count = connector.getValue().asInt();
            connectors.put(name, Map.of());
            counts.put(name, count);
            for (int task = 0; task < count; task++) tasks.put(new ConnectorTaskId(name, task), Map.of());
        });
        return new ClusterConfigState(round.get("configOffset").asLong(), null, counts, connectors, Map.of(), tasks,
            Map.of(), Map.of(), Map.of(), Set.of(), Set.of());
    }
}
