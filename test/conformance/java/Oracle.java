import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TimeZone;

/** Asks Apache's classes: `java Oracle KIND CASES OUTCOMES`, a line of JSON for each case and each outcome. See README.md. */
public class Oracle {
    interface Asked {
        ObjectNode outcome(JsonNode given) throws Exception;
    }

    public static void main(String[] args) throws Exception {
        TimeZone.setDefault(TimeZone.getTimeZone("UTC"));
        ObjectMapper json = new ObjectMapper();
        json.getFactory().setStreamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(5000).build());
        Asked asked = switch (args[0]) {
            case "transform" -> TransformOracle::outcome;
            case "chain" -> new ChainOracle()::outcome;
            case "converter" -> ConverterOracle::outcome;
            default -> PatternOracle::outcome;
        };
        try (BufferedReader in = Files.newBufferedReader(Path.of(args[1]));
             BufferedWriter out = Files.newBufferedWriter(Path.of(args[2]))) {
            for (String line; (line = in.readLine()) != null;) {
                out.write(json.writeValueAsString(asked.outcome(json.readTree(line))));
                out.newLine();
            }
        }
    }
}
