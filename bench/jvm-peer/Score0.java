import hex.genmodel.MojoModel;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * h2o-genmodel's score0 on rows that are ready, cycling through all of them: rows per CPU second of this thread, the
 * median of the rounds. Run by bench/networks.ts: java -cp … Score0.java MODEL.zip ROWS.csv
 */
public final class Score0 {
  public static void main(String[] args) throws Exception {
    MojoModel model = MojoModel.load(args[0]);
    List<String> lines = Files.readAllLines(Path.of(args[1]));
    String[] names = lines.get(0).split(",", -1);
    double[][] rows = lines.stream().skip(1).map(line -> row(model, names, line.split(",", -1))).toArray(double[][]::new);
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    double[] preds = new double[model.getPredsSize(model.getModelCategory())];
    double[] rates = new double[7];
    for (int round = -3; round < rates.length; round++) { // the first three warm up
      long start = threads.getCurrentThreadCpuTime();
      long scored = 0;
      long spent;
      do {
        for (double[] row : rows) model.score0(row, preds);
        scored += rows.length;
        spent = threads.getCurrentThreadCpuTime() - start;
      } while (spent < 400_000_000L);
      if (round >= 0) rates[round] = scored * 1e9 / spent;
    }
    Arrays.sort(rates);
    System.out.println(Math.round(rates[rates.length / 2]));
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
