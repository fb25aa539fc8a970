import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;

/** Prints the cases of avro-verdicts.json with the verdicts of Java Avro; README.md has the command. */
public class AvroVerdicts {
  public static void main(String[] args) throws Exception {
    ObjectMapper mapper = new ObjectMapper();
    JsonNode cases = mapper.readTree(new File(args[0]));
    for (JsonNode pair : cases.get("pairs")) {
      Schema reader = parse(pair.get("reader"));
      Schema writer = parse(pair.get("writer"));
      ObjectNode verdict = (ObjectNode) pair;
      try {
        var result = SchemaCompatibility.checkReaderWriterCompatibility(reader, writer).getResult();
        var found = verdict.putArray("incompatibilities");
        for (var one : result.getIncompatibilities()) {
          found.addObject()
              .put("kind", one.getType().name())
              .put("message", one.getMessage())
              .put("path", one.getLocation());
        }
      } catch (RuntimeException thrown) {
        verdict.put("thrown", thrown.getMessage());
      }
    }
    for (JsonNode schema : cases.get("schemas")) {
      ObjectNode verdict = (ObjectNode) schema;
      try {
        verdict.put("canonical", new Schema.Parser().parse(schema.get("text").textValue()).toString());
      } catch (RuntimeException thrown) {
        verdict.putNull("canonical");
      }
    }
    System.out.println(mapper.writeValueAsString(cases));
  }

  private static Schema parse(JsonNode schema) {
    return new Schema.Parser().parse(schema.toString());
  }
}
