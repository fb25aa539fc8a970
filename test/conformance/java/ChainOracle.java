import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.connect.runtime.ConnectMetrics;
import org.apache.kafka.connect.runtime.ConnectorConfig;
import org.apache.kafka.connect.runtime.TransformationStage;
import org.apache.kafka.connect.runtime.isolation.Plugins;
import org.apache.kafka.connect.runtime.standalone.StandaloneConfig;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.util.ConnectorTaskId;

/** Runs the transforms of a connector's configuration, with predicates and negate, as a worker of Kafka Connect does. */
class ChainOracle {
    static final String BYTES = "org.apache.kafka.connect.converters.ByteArrayConverter";
    final Plugins plugins = new Plugins(Map.of());
    final ConnectMetrics metrics = new ConnectMetrics("oracle", new StandaloneConfig(Map.of(
        "bootstrap.servers", "127.0.0.1:1", "key.converter", BYTES, "value.converter", BYTES,
        "offset.storage.file.filename", "none")), Time.SYSTEM, "oracle");

    ObjectNode outcome(JsonNode given) {
        Map<String, String> config = new HashMap<>(Map.of("name", "c", "connector.class", "FileStreamSink"));
        given.get("config").properties().forEach(e -> config.put(e.getKey(), e.getValue().textValue()));
        List<TransformationStage<SinkRecord>> stages;
        try {
            stages = new ConnectorConfig(plugins, config).transformationStages(plugins, new ConnectorTaskId("c", 0), metrics);
        } catch (Exception e) {
            return TransformOracle.JSON.createObjectNode().put("config", String.valueOf(e.getMessage()));
        }
        try {
            SinkRecord record = TransformOracle.record(given.get("record"));
            for (TransformationStage<SinkRecord> stage : stages) if (record != null) record = stage.apply(record);
            return TransformOracle.after(record);
        } catch (Exception e) {
            return TransformOracle.JSON.createObjectNode().put("error", String.valueOf(e.getMessage()));
        } finally {
            stages.forEach(TransformationStage::close);
        }
    }
}
