import com.sun.management.OperatingSystemMXBean;
import hex.ModelCategory;
import hex.genmodel.MojoModel;
import hex.genmodel.easy.EasyPredictModelWrapper;
import hex.genmodel.easy.RowData;
import hex.genmodel.easy.exception.PredictException;
import hex.genmodel.easy.prediction.BinomialModelPrediction;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;

/**
 * The benchmark's peer: the flight-delay job as a Kafka Streams application with Avro and H2O's own scorer.
 *
 * <p>It is meant to be as good as that design gets: nothing is built per record that can be kept per task (record,
 * decoder, encoder, row), strings are decoded once, and the clients are set for throughput. Values travel as bytes between
 * the topics and the processor, so that all of this is one task's own and needs no lock and no thread-local.
 *
 * <p>On stdout, one JSON object a line: "running" once, "first" when the first record is about to be processed,
 * "progress" each second, "stop" after SIGTERM, when everything is flushed and committed. cpuNanos is the CPU time of
 * this process since its start.
 */
public final class Peer {
  private static final OperatingSystemMXBean SYSTEM =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
  private static final AtomicBoolean STARTED = new AtomicBoolean();
  private static final LongAdder RECORDS = new LongAdder();

  public static void main(String[] args) throws Exception {
    System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "warn");
    // Streams warns about a default of global tables, which this topology does not have.
    System.setProperty("org.slf4j.simpleLogger.log.org.apache.kafka.streams.StreamsConfig", "error");
    Map<String, String> options = options(args);
    Job job = new Job(options);

    StreamsBuilder builder = new StreamsBuilder();
    builder.stream(options.get("source"), Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
        .processValues(() -> new Scorer(job))
        .to(options.get("target"), Produced.with(Serdes.ByteArray(), Serdes.ByteArray()));

    KafkaStreams streams = new KafkaStreams(builder.build(), properties(options));
    CountDownLatch failed = new CountDownLatch(1);
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      failed.countDown();
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    streams.setStateListener((now, before) -> {
      if (now == KafkaStreams.State.RUNNING) event("running");
    });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      streams.close(Duration.ofSeconds(20));
      event("stop");
    }));
    Executors.newSingleThreadScheduledExecutor(task -> {
      Thread thread = new Thread(task, "progress");
      thread.setDaemon(true);
      return thread;
    }).scheduleAtFixedRate(() -> event("progress"), 1, 1, TimeUnit.SECONDS);
    streams.start();

    failed.await(); // SIGTERM ends the process otherwise
    System.exit(1);
  }

  private static void event(String name) {
    System.out.printf(
        "{\"event\":\"%s\",\"cpuNanos\":%d,\"records\":%d,\"at\":%d}%n",
        name, SYSTEM.getProcessCpuTime(), RECORDS.sum(), System.currentTimeMillis());
  }

  private static Properties properties(Map<String, String> options) {
    Properties p = new Properties();
    p.put(StreamsConfig.APPLICATION_ID_CONFIG, options.get("application-id"));
    p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, options.get("bootstrap"));
    p.put(StreamsConfig.STATE_DIR_CONFIG, options.get("state-dir"));
    p.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, options.get("threads"));
    p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.AT_LEAST_ONCE);
    // Offsets are committed at the default of Streams for at-least-once, every 30 s.
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
    // Polls of up to 10,000 records (Streams: 1,000), and buffers that do not pause a partition at each of them.
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), "10000");
    p.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, "10000");
    // Batches of up to 256 KiB (default 16 KiB) that may wait 100 ms to fill: a request per some thousand records.
    p.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), "262144");
    p.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), "100");
    p.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), "67108864");
    p.put(StreamsConfig.ENABLE_METRICS_PUSH_CONFIG, "false");
    return p;
  }

  private static Map<String, String> options(String[] args) {
    List<String> known = List.of(
        "bootstrap", "source", "target", "model", "schema", "output-schema", "output-schema-id",
        "threads", "application-id", "state-dir", "model-version");
    Map<String, String> options = new HashMap<>(Map.of("threads", "2", "model-version", "1"));
    for (int i = 0; i < args.length; i += 2) {
      String name = args[i].replaceFirst("^--", "");
      if (!known.contains(name) || i + 1 == args.length) throw new IllegalArgumentException(args[i]);
      options.put(name, args[i + 1]);
    }
    for (String name : known)
      if (!options.containsKey(name)) throw new IllegalArgumentException("--" + name + " is missing");
    return options;
  }

  /** What all tasks share; nothing of it changes. */
  private static final class Job {
    final MojoModel model;
    final Schema input;
    final Schema output;
    final int outputId;
    final String version;

    Job(Map<String, String> options) throws IOException {
      model = MojoModel.load(options.get("model"));
      if (model.getModelCategory() != ModelCategory.Binomial)
        throw new IllegalArgumentException("not a binomial model: " + model.getModelCategory());
      input = schema(options.get("schema"));
      output = schema(options.get("output-schema"));
      outputId = Integer.parseInt(options.get("output-schema-id"));
      version = options.get("model-version");
    }

    private static Schema schema(String path) throws IOException {
      return strings(new Schema.Parser().parse(new File(path)));
    }

    /** Lets avro decode strings to String: by default it makes a Utf8, and the scorer would make a String of each. */
    private static Schema strings(Schema schema) {
      switch (schema.getType()) {
        case STRING -> GenericData.setStringType(schema, GenericData.StringType.String);
        case UNION -> schema.getTypes().forEach(Job::strings);
        case RECORD -> schema.getFields().forEach(field -> strings(field.schema()));
        default -> { }
      }
      return schema;
    }
  }

  /** One task's processor: bytes → record → row → prediction → record → bytes. */
  private static final class Scorer extends ContextualFixedKeyProcessor<byte[], byte[], byte[]> {
    private static final int HEADER = 5; // magic 0 and the schema's id

    private final Job job;
    private final EasyPredictModelWrapper scorer;
    private final GenericDatumReader<GenericRecord> reader;
    private final GenericDatumWriter<GenericRecord> writer;
    private final GenericRecord in;
    private final GenericRecord out;
    private final RowData row = new RowData();
    private final String[] features;
    private final int[] featureFields;
    private final int[] copies; // input field → output field
    private final int prediction;
    private final int[] probabilities;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
    private final byte[] header;
    private BinaryDecoder decoder;
    private BinaryEncoder encoder;
    private int inputId = -1;

    Scorer(Job job) {
      this.job = job;
      scorer = new EasyPredictModelWrapper(
          new EasyPredictModelWrapper.Config().setModel(job.model).setConvertUnknownCategoricalLevelsToNa(true));
      reader = new GenericDatumReader<>(job.input);
      writer = new GenericDatumWriter<>(job.output);
      in = new GenericData.Record(job.input);
      out = new GenericData.Record(job.output);
      header = ByteBuffer.allocate(HEADER).put((byte) 0).putInt(job.outputId).array();

      List<String> names = new ArrayList<>();
      for (String name : job.model.features()) if (job.input.getField(name) != null) names.add(name);
      features = names.toArray(String[]::new);
      featureFields = names.stream().mapToInt(name -> job.input.getField(name).pos()).toArray();
      copies = job.input.getFields().stream().mapToInt(field -> position(field.name())).toArray();
      prediction = position("prediction");
      String[] classes = scorer.getResponseDomainValues();
      probabilities = new int[classes.length];
      for (int i = 0; i < classes.length; i++)
        probabilities[i] = position("p_" + classes[i].replaceAll("[^A-Za-z0-9_]", "_"));
      out.put(position("model_version"), job.version);
    }

    private int position(String field) {
      Schema.Field found = job.output.getField(field);
      if (found == null) throw new IllegalArgumentException("the output schema has no field " + field);
      return found.pos();
    }

    @Override
    public void process(FixedKeyRecord<byte[], byte[]> record) {
      if (!STARTED.get() && STARTED.compareAndSet(false, true)) event("first");
      try {
        context().forward(record.withValue(record.value() == null ? null : scored(record.value())));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } catch (PredictException e) {
        throw new IllegalStateException(e);
      }
      RECORDS.increment();
    }

    private byte[] scored(byte[] value) throws IOException, PredictException {
      checkHeader(value);
      decoder = DecoderFactory.get().binaryDecoder(value, HEADER, value.length - HEADER, decoder);
      GenericRecord flight = reader.read(in, decoder);

      row.clear();
      for (int i = 0; i < features.length; i++) {
        Object cell = flight.get(featureFields[i]);
        if (cell == null) continue; // a missing value is one that the row does not have
        row.put(features[i], cell instanceof Number number ? (Object) number.doubleValue() : cell);
      }
      BinomialModelPrediction scored = scorer.predictBinomial(row);

      for (int i = 0; i < copies.length; i++) out.put(copies[i], flight.get(i));
      out.put(prediction, scored.label);
      for (int i = 0; i < probabilities.length; i++) out.put(probabilities[i], scored.classProbabilities[i]);
      bytes.reset();
      bytes.write(header);
      encoder = EncoderFactory.get().directBinaryEncoder(bytes, encoder);
      writer.write(out, encoder);
      encoder.flush();
      return bytes.toByteArray();
    }

    /** The schema is given on the command line, so all records must name the same one. */
    private void checkHeader(byte[] value) throws IOException {
      if (value.length < HEADER || value[0] != 0) throw new IOException("not in Confluent's wire format");
      int id = ByteBuffer.wrap(value, 1, 4).getInt();
      if (inputId == -1) inputId = id;
      if (id != inputId) throw new IOException("schema " + id + " after schema " + inputId);
    }
  }
}
