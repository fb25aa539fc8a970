import java.util.Map;
import java.util.TreeMap;
import org.sourcelab.kafka.connect.apiclient.Configuration;
import org.sourcelab.kafka.connect.apiclient.KafkaConnectClient;
import org.sourcelab.kafka.connect.apiclient.request.dto.ConnectorPluginConfigDefinition;
import org.sourcelab.kafka.connect.apiclient.request.dto.NewConnectorDefinition;
import org.sourcelab.kafka.connect.apiclient.request.post.PostConnectorRestart;

/** Calls org.sourcelab:kafka-connect-client, as it is published: RunClient BASE_URL CONNECTOR TOPIC. A line for each call. */
public final class RunClient {
  private static KafkaConnectClient client;
  private static String name;

  public static void main(String[] args) throws Exception {
    client = new KafkaConnectClient(new Configuration(args[0]));
    name = args[1];
    Map<String, String> config = new TreeMap<>(Map.of("connector.class", "FileStreamSink", "topics", args[2], "file", "/dev/null", "tasks.max", "1"));
    Map<String, String> named = new TreeMap<>(config);
    named.put("name", name);
    show("version", client.getConnectServerVersion().getVersion().startsWith("4.3"));
    show("plugins", client.getConnectorPlugins().stream().anyMatch(each -> each.getClassName().equals("FileStreamSink")));
    show("validate", client.validateConnectorPluginConfig(new ConnectorPluginConfigDefinition("FileStreamSink", named)).getErrorCount());
    show("create", client.addConnector(new NewConnectorDefinition(name, config)).getName().equals(name));
    show("running", until("RUNNING"));
    show("list", client.getConnectors().contains(name));
    show("list with status", client.getConnectorsWithExpandedStatus() != null);
    show("list with info", client.getConnectorsWithAllExpandedMetadata() != null);
    show("get", client.getConnector(name).getType());
    show("config", client.getConnectorConfig(name).get("file"));
    show("tasks", client.getConnectorTasks(name).size());
    show("task status", client.getConnectorTaskStatus(name, 0).getState());
    show("restart", client.restartConnector(new PostConnectorRestart(name).withIncludeTasks(true)));
    show("restarted", until("RUNNING"));
    show("restart a task", client.restartConnectorTask(name, 0));
    show("task restarted", until("RUNNING"));
    show("pause", client.pauseConnector(name));
    show("paused", until("PAUSED"));
    show("resume", client.resumeConnector(name));
    show("resumed", until("RUNNING"));
    config.put("errors.tolerance", "all");
    show("update", client.updateConnectorConfig(name, config).getConfig().get("errors.tolerance"));
    show("topics", client.getConnectorTopics(name) != null);
    show("reset topics", client.resetConnectorTopics(name));
    show("delete", client.deleteConnector(name));
    show("deleted", !client.getConnectors().contains(name));
  }

  private static void show(String call, Object answer) {
    System.out.println("{\"call\":\"" + call + "\",\"answer\":\"" + answer + "\"}");
  }

  private static String until(String state) throws Exception {
    for (long end = System.nanoTime() + 30_000_000_000L; System.nanoTime() < end; Thread.sleep(100)) {
      try {
        var status = client.getConnectorStatus(name);
        boolean all = status.getTasks().stream().allMatch(task -> task.getState().equals(state));
        if (status.getConnector().get("state").equals(state) && all) return state;
      } catch (RuntimeException noStatusYet) {
        // It comes in a moment.
      }
    }
    return "timeout";
  }
}
