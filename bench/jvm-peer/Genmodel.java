import hex.genmodel.MojoModel;
import hex.genmodel.easy.EasyPredictModelWrapper;
import hex.genmodel.easy.RowData;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * h2o-genmodel alone, cycling through all rows: rows per CPU second of this thread, the median of the rounds.
 *
 * <pre>
 * score0  rows that are ready, the model's own method
 * easy    EasyPredictModelWrapper.predict on RowData that is ready
 * </pre>
 *
 * Run by bench/networks.ts and bench/trees.ts: java -cp … Genmodel.java score0|easy MODEL.zip ROWS.csv
 */
public final class Genmodel {
  public static void main(String[] args) throws Exception {
    MojoModel model = MojoModel.load(args[1]);
    List<String> lines = Files.readAllLines(Path.of(args[2]));
    String[] names = lines.get(0).split(",", -1);
    String[][] cells = lines.stream().skip(1).map(line -> line.split(",", -1)).toArray(String[][]::new);
    System.out.println(Math.round(args[0].equals("easy") ? easy(model, names, cells) : score0(model, names, cells)));
  }

  private interface Work {
    void run() throws Exception;
  }

  private static double rate(int rows, Work work) throws Exception {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    double[] rates = new double[7];
    for (int round = -3; round < rates.length; round++) { // the first three warm up
      long start = threads.getCurrentThreadCpuTime();
      long scored = 0;
      long spent;
      do {
        work.run();
        scored += rows;
        spent = threads.getCurrentThreadCpuTime() - start;
      } while (spent < 400_000_000L);
      if (round >= 0) rates[round] = scored * 1e9 / spent;
    }
    Arrays.sort(rates);
    return rates[rates.length / 2];
  }

  private static double score0(MojoModel model, String[] names, String[][] cells) throws Exception {
    double[][] rows = Arrays.stream(cells).map(each -> row(model, names, each)).toArray(double[][]::new);
    double[] preds = new double[model.getPredsSize(model.getModelCategory())];
    return rate(rows.length, () -> {
      for (double[] row : rows) model.score0(row, preds);
    });
  }

  private static double easy(MojoModel model, String[] names, String[][] cells) throws Exception {
    EasyPredictModelWrapper wrapper =
        new EasyPredictModelWrapper(
            new EasyPredictModelWrapper.Config().setModel(model).setConvertUnknownCategoricalLevelsToNa(true));
    RowData[] rows = Arrays.stream(cells).map(each -> rowData(model, names, each)).toArray(RowData[]::new);
    return rate(rows.length, () -> {
      for (RowData row : rows) wrapper.predict(row);
    });
  }

  private static RowData rowData(MojoModel model, String[] names, String[] cells) {
    RowData row = new RowData();
    for (int i = 0; i < cells.length; i++) {
      int column = model.getColIdx(names[i]);
      if (column < 0 || column >= model.nfeatures() || cells[i].isEmpty() || cells[i].equals("NA")) continue;
      if (model.getDomainValues(column) == null) row.put(names[i], Double.valueOf(cells[i]));
      else row.put(names[i], cells[i]);
    }
    return row;
  }

  private static double[] row(MojoModel model, String[] names, String[] cells) {
    double[] row = new double[model.nfeatures()];
    Arrays.fill(row, Double.NaN);
    for (int i = 0; i < cells.length; i++) {
      int column = model.getColIdx(names[i]);
      if (column < 0 || column >= row.length || cells[i].isEmpty() || cells[i].equals("NA")) continue;
      String[] domain = model.getDomainValues(column);
      int level = domain == null ? -1 : Arrays.asList(domain).indexOf(cells[i]);
      row[column] = domain == null ? Double.parseDouble(cells[i]) : level < 0 ? Double.NaN : level;
    }
    return row;
  }
}
