import hex.genmodel.MojoModel;
import hex.genmodel.algos.tree.SharedTreeGraph;
import hex.genmodel.algos.tree.SharedTreeMojoModel;
import hex.genmodel.algos.tree.SharedTreeNode;
import hex.genmodel.algos.tree.SharedTreeSubgraph;
import hex.genmodel.easy.EasyPredictModelWrapper;
import hex.genmodel.easy.RowData;
import hex.genmodel.easy.prediction.BinomialModelPrediction;
import hex.genmodel.easy.prediction.MultinomialModelPrediction;
import hex.genmodel.easy.prediction.RegressionModelPrediction;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * H2O's own scorer as a command: what it prints is what another reader of the same MOJO must give.
 *
 * <pre>
 * Genmodel score MODEL.zip ROWS.csv     CSV on stdout: predict, then one column per class; regression: predict
 * Genmodel thresholds MODEL.zip         lines "column,threshold": every distinct numeric split, as a double
 * </pre>
 *
 * ROWS.csv has a header and no quotes; empty or NA is missing, and a level the model has not seen counts as missing.
 */
public final class Genmodel {
  public static void main(String[] args) throws Exception {
    MojoModel model = MojoModel.load(args[1]);
    try (PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8)) {
      switch (args[0]) {
        case "score" -> score(model, Path.of(args[2]), out);
        case "thresholds" -> thresholds((SharedTreeMojoModel) model, out);
        default -> throw new IllegalArgumentException(args[0]);
      }
    }
  }

  private static void score(MojoModel model, Path rows, PrintStream out) throws Exception {
    EasyPredictModelWrapper wrapper =
        new EasyPredictModelWrapper(
            new EasyPredictModelWrapper.Config().setModel(model).setConvertUnknownCategoricalLevelsToNa(true));
    String offset = model.getOffsetName();
    String[] classes = model.isClassifier() ? wrapper.getResponseDomainValues() : new String[0];
    out.println(classes.length == 0 ? "predict" : "predict," + String.join(",", classes));
    try (BufferedReader in = Files.newBufferedReader(rows)) {
      String[] names = in.readLine().split(",", -1);
      for (String line; (line = in.readLine()) != null; ) {
        RowData row = row(model, names, line.split(",", -1));
        // The wrapper takes an offset beside the row, not from it.
        double shift = offset == null ? 0 : Double.parseDouble(line.split(",", -1)[indexOf(names, offset)]);
        switch (model.getModelCategory()) {
          case Binomial -> {
            BinomialModelPrediction p = wrapper.predictBinomial(row, shift);
            print(out, p.label, p.classProbabilities);
          }
          case Multinomial -> {
            MultinomialModelPrediction p = wrapper.predictMultinomial(row, shift);
            print(out, p.label, p.classProbabilities);
          }
          case Regression -> {
            RegressionModelPrediction p = wrapper.predictRegression(row, shift);
            print(out, digits(p.value));
          }
          default -> throw new IllegalArgumentException("not a category of this tool: " + model.getModelCategory());
        }
      }
    }
  }

  /** Missing cells are left out, which is how the wrapper is told that a value is missing. */
  private static RowData row(MojoModel model, String[] names, String[] cells) throws IOException {
    if (cells.length != names.length) throw new IOException("a row with " + cells.length + " cells");
    RowData row = new RowData();
    for (int i = 0; i < cells.length; i++) {
      int column = model.getColIdx(names[i]);
      if (column < 0 || cells[i].isEmpty() || cells[i].equals("NA")) continue;
      if (model.getDomainValues(column) == null) row.put(names[i], Double.valueOf(cells[i]));
      else row.put(names[i], cells[i]);
    }
    return row;
  }

  private static void print(PrintStream out, String predict, double... probabilities) {
    StringBuilder line = new StringBuilder(predict);
    for (double p : probabilities) line.append(',').append(digits(p));
    out.println(line);
  }

  /** 17 significant digits of the double's exact value: enough to give the same double back. */
  private static String digits(double value) {
    return Double.isFinite(value) ? new BigDecimal(value).round(new MathContext(17)).toString() : Double.toString(value);
  }

  private static void thresholds(SharedTreeMojoModel model, PrintStream out) {
    Map<String, TreeSet<Double>> byColumn = new TreeMap<>();
    SharedTreeGraph graph = model.computeGraph(-1); // -1: all trees
    for (SharedTreeSubgraph tree : graph.subgraphArray)
      for (SharedTreeNode node : tree.nodesArray) {
        if (node.isLeaf() || node.isBitset() || Float.isNaN(node.getSplitValue())) continue;
        byColumn.computeIfAbsent(node.getColName(), name -> new TreeSet<>()).add((double) node.getSplitValue());
      }
    byColumn.forEach((column, values) -> values.forEach(value -> out.println(column + "," + value)));
  }

  private static int indexOf(String[] names, String name) {
    for (int i = 0; i < names.length; i++) if (names[i].equals(name)) return i;
    throw new IllegalArgumentException("no column " + name);
  }
}
