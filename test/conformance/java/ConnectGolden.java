import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import org.apache.kafka.connect.runtime.distributed.ConnectProtocol;
import org.apache.kafka.connect.runtime.distributed.ExtendedAssignment;
import org.apache.kafka.connect.runtime.distributed.ExtendedWorkerState;
import org.apache.kafka.connect.runtime.distributed.IncrementalCooperativeConnectProtocol;
import org.apache.kafka.connect.util.ConnectorTaskId;

/**
 * Prints the bytes that Kafka Connect's own classes make of worker metadata and assignments, as JSON, each beside the
 * value it stands for. README.md beside it has the command.
 */
public class ConnectGolden {
    static final StringBuilder OUT = new StringBuilder();
    static String before = "";

    public static void main(String[] args) {
        OUT.append("{\n  \"by\": \"org.apache.kafka:connect-runtime:4.3.1\",\n  \"assignments\": [");
        List<ExtendedAssignment> values = List.of(
            assignment(0, "w-1", "http://127.0.0.1:8083/", 7, List.of(), List.of(), List.of(), List.of(), 0),
            assignment(0, "w-1", "http://127.0.0.1:8083/", 7, List.of("flight-delay"), tasks("flight-delay", 0, 1),
                List.of(), List.of(), 0),
            assignment(0, "connect-127.0.0.1:8083-5f3a", "http://h:1/", 1L << 40, List.of("a", "b", "zeta", "überflug"),
                concat(tasks("b", 2), tasks("c", 0), tasks("a", 3, 1), tasks("b", 0)),
                List.of("q", "d"), concat(tasks("e", 1, 0), tasks("d", 5)), 299_999),
            assignment(0, "w-2", "http://127.0.0.1:8084/", 12, List.of(), tasks("only-tasks", 0, 1, 2),
                List.of("only-tasks"), List.of(), 60_000),
            assignment(1, "w-1", "http://127.0.0.1:8083/", -1, List.of(), List.of(), List.of(), List.of(), 0));
        for (ExtendedAssignment value : values) {
            for (int version = 0; version <= 2; version++) assignmentCase(value, version);
        }
        OUT.append("\n  ],\n  \"metadata\": [");
        before = "";
        metadataCase("http://127.0.0.1:8083/", 0, null);
        metadataCase("http://worker-2.example:18083/", -1, null);
        metadataCase("http://127.0.0.1:8083/", 7, values.get(0));
        metadataCase("http://127.0.0.1:8083/", 8, values.get(1));
        metadataCase("http://127.0.0.1:8084/", Long.MAX_VALUE, values.get(2));
        metadataCase("http://127.0.0.1:8084/", 12, values.get(3));
        System.out.println(OUT.append("\n  ]\n}"));
    }

    static ExtendedAssignment assignment(int error, String leader, String url, long offset, List<String> connectors,
                                         List<ConnectorTaskId> tasks, List<String> revokedConnectors,
                                         List<ConnectorTaskId> revokedTasks, int delay) {
        return new ExtendedAssignment((short) 2, (short) error, leader, url, offset, connectors, tasks,
            revokedConnectors, revokedTasks, delay);
    }

    static void assignmentCase(ExtendedAssignment value, int version) {
        ByteBuffer bytes = version == 0
            ? ConnectProtocol.serializeAssignment(value)
            : IncrementalCooperativeConnectProtocol.serializeAssignment(value, version == 2);
        OUT.append(before).append("\n    { \"version\": ").append(version).append(", \"value\": ").append(json(value))
            .append(",\n      \"hex\": \"").append(hex(bytes)).append("\" }");
        before = ",";
    }

    static void metadataCase(String url, long offset, ExtendedAssignment assignment) {
        ExtendedWorkerState state = new ExtendedWorkerState(url, offset, assignment);
        ByteBuffer[] bytes = {
            ConnectProtocol.serializeMetadata(state),
            IncrementalCooperativeConnectProtocol.serializeMetadata(state, false),
            IncrementalCooperativeConnectProtocol.serializeMetadata(state, true),
        };
        for (int version = 0; version <= 2; version++) {
            OUT.append(before).append("\n    { \"version\": ").append(version)
                .append(", \"value\": { \"url\": ").append(quote(url))
                .append(", \"configOffset\": \"").append(offset).append("\", \"assignment\": ")
                .append(assignment == null ? "null" : json(assignment))
                .append(" },\n      \"hex\": \"").append(hex(bytes[version])).append("\" }");
            before = ",";
        }
    }

    static String json(ExtendedAssignment a) {
        return "{ \"error\": " + a.error() + ", \"leader\": " + quote(a.leader()) + ", \"leaderUrl\": " + quote(a.leaderUrl())
            + ", \"configOffset\": \"" + a.offset() + "\", \"connectors\": " + names(a.connectors().stream().toList())
            + ", \"tasks\": " + ids(a.tasks().stream().toList())
            + ", \"revokedConnectors\": " + names(a.revokedConnectors().stream().toList())
            + ", \"revokedTasks\": " + ids(a.revokedTasks().stream().toList())
            + ", \"delayMs\": " + a.delay() + " }";
    }

    static String names(List<String> names) {
        return "[" + String.join(", ", names.stream().map(ConnectGolden::quote).toList()) + "]";
    }

    static String ids(List<ConnectorTaskId> ids) {
        return "[" + String.join(", ", ids.stream()
            .map(id -> "{ \"connector\": " + quote(id.connector()) + ", \"task\": " + id.task() + " }").toList()) + "]";
    }

    static List<ConnectorTaskId> tasks(String connector, int... numbers) {
        return java.util.Arrays.stream(numbers).mapToObj(n -> new ConnectorTaskId(connector, n)).toList();
    }

    @SafeVarargs
    static List<ConnectorTaskId> concat(List<ConnectorTaskId>... lists) {
        return java.util.Arrays.stream(lists).flatMap(List::stream).toList();
    }

    static String quote(String text) {
        return '"' + text + '"';
    }

    static String hex(ByteBuffer bytes) {
        byte[] copy = new byte[bytes.remaining()];
        bytes.duplicate().get(copy);
        return HexFormat.of().formatHex(copy);
    }
}
