import java.util.Random;
import org.apache.kafka.connect.runtime.isolation.PluginUtils;
import org.apache.maven.artifact.versioning.DefaultArtifactVersion;
import org.apache.maven.artifact.versioning.InvalidVersionSpecificationException;
import org.apache.maven.artifact.versioning.VersionRange;

/** Asks Kafka Connect and Maven how versions of plugins are ordered, and which a range includes. */
public class VersionGolden {
  static final String[] PARTS = {
    "0", "1", "2", "10", "01", "9", ".", ".", ".", "-", "-", "a", "b", "m", "alpha", "rc", "cr", "ga", "final", "release",
    "sp", "snapshot", "SNAPSHOT", "x", "foo", "20230101", "99999999999999999999"
  };
  static final String[] SPECS = {
    "", " ", "[", ")", "[]", "()", "[,]", "(,)", "[1", "1]", "[1,2", "[1],2", "[1] , [2]", "[ 1 , 2 )", "(1)", "[2,1]", "[1,1)"
  };
  static final Random random = new Random(4711);

  public static void main(String[] args) {
    int count = args.length > 0 ? Integer.parseInt(args[0]) : 1000;
    StringBuilder out = new StringBuilder("[");
    for (int i = 0; i < count; i++) {
      String a = version(), b = version(), spec = i < SPECS.length ? SPECS[i] : spec();
      int order = Integer.signum(new DefaultArtifactVersion(a).compareTo(new DefaultArtifactVersion(b)));
      out.append(i == 0 ? "\n" : ",\n").append("{\"a\":" + text(a) + ",\"b\":" + text(b) + ",\"order\":" + order);
      out.append(",\"range\":" + text(spec) + "," + answer(spec, a) + "}");
    }
    System.out.println(out.append("\n]"));
  }

  static String answer(String spec, String version) {
    try {
      VersionRange range = PluginUtils.connectorVersionRequirement(spec);
      boolean includes = range.containsVersion(new DefaultArtifactVersion(version));
      return "\"text\":" + text(range.toString()) + ",\"includesA\":" + includes;
    } catch (InvalidVersionSpecificationException e) {
      return "\"refused\":" + text(e.getMessage());
    }
  }

  static String pick(String... from) {
    return from[random.nextInt(from.length)];
  }

  static String version() {
    if (random.nextBoolean()) {
      String last = random.nextBoolean() ? "." + random.nextInt(3) : "";
      return random.nextInt(3) + "." + random.nextInt(3) + last + (random.nextInt(4) == 0 ? "-rc" + random.nextInt(2) : "");
    }
    StringBuilder made = new StringBuilder();
    for (int i = random.nextInt(7); i >= 0; i--) made.append(pick(PARTS));
    return made.toString();
  }

  static String bounds() {
    return pick("[", "(") + bound() + "," + bound() + pick("]", ")");
  }

  static String bound() {
    return random.nextInt(5) == 0 ? "" : version();
  }

  static String spec() {
    switch (random.nextInt(6)) {
      case 0: return version();
      case 1: return pick("[", "(") + version() + pick("]", ")");
      case 2: return bounds() + "," + bounds();
      default: return bounds();
    }
  }

  static String text(String s) {
    return '"' + s + '"';
  }
}
