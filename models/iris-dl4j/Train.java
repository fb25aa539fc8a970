import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.deeplearning4j.util.ModelSerializer;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.preprocessor.NormalizerStandardize;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions;

/** Trains iris.zip on the rows of iris.csv that are not every third, and writes probe.jsonl and figures.json with DL4J itself. */
class Train {
  static final List<String> LABELS = List.of("setosa", "versicolor", "virginica");
  static final String[] COLUMNS = {"sepal_length", "sepal_width", "petal_length", "petal_width"};

  public static void main(String[] args) throws Exception {
    Nd4j.getRandom().setSeed(7);
    List<String> lines = Files.readAllLines(Path.of("iris.csv"));
    List<double[]> trainX = new ArrayList<>(), testX = new ArrayList<>();
    List<double[]> trainY = new ArrayList<>(), testY = new ArrayList<>();
    for (int i = 1; i < lines.size(); i++) {
      String[] cells = lines.get(i).split(",");
      double[] x = new double[4], y = new double[3];
      for (int k = 0; k < 4; k++) x[k] = Double.parseDouble(cells[k]);
      y[LABELS.indexOf(cells[4])] = 1;
      (i % 3 == 0 ? testX : trainX).add(x);
      (i % 3 == 0 ? testY : trainY).add(y);
    }
    DataSet train = new DataSet(array(trainX), array(trainY));
    NormalizerStandardize normalizer = new NormalizerStandardize();
    normalizer.fit(train);
    normalizer.transform(train);
    MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
        .seed(7).updater(new Adam(0.02)).weightInit(WeightInit.XAVIER).l2(1e-3).list()
        .layer(new DenseLayer.Builder().nIn(4).nOut(8).activation(Activation.TANH).build())
        .layer(new OutputLayer.Builder(LossFunctions.LossFunction.NEGATIVELOGLIKELIHOOD)
            .nIn(8).nOut(3).activation(Activation.SOFTMAX).build())
        .build());
    network.init();
    for (int epoch = 0; epoch < 200; epoch++) network.fit(train);
    ModelSerializer.writeModel(network, new File("iris.zip"), false);
    ModelSerializer.addNormalizerToModel(new File("iris.zip"), normalizer);

    INDArray test = array(testX);
    normalizer.transform(test);
    INDArray output = network.output(test);
    int right = 0;
    StringBuilder probe = new StringBuilder();
    for (int row = 0; row < testX.size(); row++) {
      int label = output.getRow(row).argMax().getInt(0);
      if (testY.get(row)[label] == 1) right++;
      if (row % 4 != 0) continue;
      StringBuilder in = new StringBuilder(), out = new StringBuilder();
      for (int k = 0; k < 4; k++) in.append(k == 0 ? "" : ",").append('"').append(COLUMNS[k]).append("\":").append(testX.get(row)[k]);
      for (int k = 0; k < 3; k++) out.append(",\"").append(LABELS.get(k)).append("\":").append((double) output.getFloat(row, k));
      probe.append("{\"input\":{").append(in).append("},\"output\":{\"label\":\"").append(LABELS.get(label)).append('"').append(out).append("}}\n");
    }
    Files.writeString(Path.of("probe.jsonl"), probe);
    Files.writeString(Path.of("figures.json"), String.format(Locale.ROOT,
        "{ \"trainRows\": %d, \"testRows\": %d, \"testRight\": %d }\n", trainX.size(), testX.size(), right));
  }

  static INDArray array(List<double[]> rows) {
    return Nd4j.create(rows.toArray(new double[0][])).castTo(org.nd4j.linalg.api.buffer.DataType.FLOAT);
  }
}
