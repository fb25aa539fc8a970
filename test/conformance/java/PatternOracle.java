import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What java.util.regex says of a pattern and texts: whether it matches, whether it is found, and where; and what replaces it. */
class PatternOracle {
    static ObjectNode outcome(JsonNode given) {
        ObjectNode result = TransformOracle.JSON.createObjectNode();
        Pattern pattern;
        try {
            pattern = Pattern.compile(given.get("pattern").textValue());
        } catch (Exception e) {
            return result.put("config", String.valueOf(e.getMessage()));
        }
        ArrayNode cases = result.putArray("cases");
        String replacement = given.get("replacement").textValue();
        for (JsonNode text : given.get("texts")) {
            Matcher matcher = pattern.matcher(text.textValue());
            ObjectNode one = cases.addObject().put("matches", matcher.matches()).put("find", matcher.reset().find());
            try {
                one.put("first", matcher.replaceFirst(replacement)).put("all", matcher.replaceAll(replacement));
            } catch (IndexOutOfBoundsException | IllegalArgumentException e) {
                one.put("error", String.valueOf(e.getMessage()));
            }
        }
        return result;
    }
}
