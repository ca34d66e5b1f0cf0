package peer;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.drools.modelcompiler.KieBaseBuilder;
import org.kie.api.runtime.KieSession;
import org.kie.api.runtime.rule.FactHandle;

/** Runs the rules of a policy on the cases of standard input, one a line; "bench N" measures instead. */
public class Harness {
  public static final MathContext DIGITS = MathContext.DECIMAL128;
  static final String[] OUTCOMES = {"approve", "refer", "reject"};

  /** What every case carries besides its values. */
  public static class Fact {
    public int stage;
    public BigDecimal limit, rate;
    final List<String> codes = new ArrayList<>();
    final List<Integer> effects = new ArrayList<>();

    public void hit(String code, int effect) {
      codes.add(code);
      effects.add(effect);
    }

    public int severity() {
      int most = 0;
      for (int effect : effects) most = Math.max(most, effect);
      return most;
    }
  }

  /** The rows of a table that are true, and the first that hangs on a missing value. */
  public static class Hits {
    final TreeSet<Integer> rows = new TreeSet<>();
    public int gap = Integer.MAX_VALUE;

    public void add(int row, boolean open) {
      if (open) gap = Math.min(gap, row); else rows.add(row);
    }

    public int first() {
      return rows.first();
    }

    public String fault(String hit) {
      boolean stopped = gap < Integer.MAX_VALUE && !(hit.equals("first") && !rows.isEmpty() && first() < gap);
      if (stopped) return "TABLE_MISSING";
      if (rows.isEmpty()) return "TABLE_NO_ROW";
      return hit.equals("unique") && rows.size() > 1 ? "TABLE_SEVERAL_ROWS" : "";
    }
  }

  public static boolean in(Object value, Object... items) {
    for (Object item : items) {
      boolean same = item instanceof BigDecimal a && value instanceof BigDecimal b ? a.compareTo(b) == 0 : item.equals(value);
      if (same) return true;
    }
    return false;
  }

  public static int severest(int... effects) {
    int most = 0;
    for (int effect : effects) most = Math.max(most, effect);
    return most;
  }

  public static BigDecimal greatest(Hits hits, BigDecimal[] column) {
    BigDecimal most = null;
    for (int row : hits.rows) most = most == null ? column[row] : most.max(column[row]);
    return most;
  }

  public static BigDecimal round(BigDecimal value, BigDecimal step, RoundingMode mode) {
    return value.divide(step, DIGITS).setScale(0, mode).multiply(step, DIGITS);
  }

  public static void put(StringBuilder out, Object value) {
    if (value instanceof String || value instanceof BigDecimal) out.append('"').append(plain(value)).append('"');
    else out.append(value);
  }

  static String plain(Object value) {
    return value instanceof BigDecimal number ? number.stripTrailingZeros().toPlainString() : String.valueOf(value);
  }

  static Policy.Case decide(KieSession session, Policy.Case q) {
    Policy.stage0(q);
    FactHandle handle = session.insert(q);
    session.fireAllRules();
    session.delete(handle);
    Policy.end(q);
    return q;
  }

  static String line(Policy.Case q) {
    int severity = q.severity();
    List<String> said = new ArrayList<>();
    for (int i = 0; i < q.codes.size(); i++) {
      if (q.effects.get(i) > 0) said.add(q.codes.get(i) + " " + OUTCOMES[q.effects.get(i)]);
    }
    said.sort(null);
    String terms = severity == 0 ? plain(q.limit) + "\t" + plain(q.rate) : "\t";
    return OUTCOMES[severity] + "\t" + terms + "\t" + String.join(",", said);
  }

  /** The decision with all its values and every rule that fired, as JSON. */
  static String json(Policy.Case q) {
    StringBuilder out = new StringBuilder(1024).append("{\"outcome\":\"").append(OUTCOMES[q.severity()]).append('"');
    out.append(",\"limit\":");
    put(out, q.limit);
    out.append(",\"rate\":");
    put(out, q.rate);
    Policy.show(out, q);
    out.append(",\"fired\":[");
    for (int i = 0; i < q.codes.size(); i++) {
      out.append(i == 0 ? "" : ",").append("{\"code\":\"").append(q.codes.get(i)).append("\",\"effect\":").append(q.effects.get(i)).append('}');
    }
    return out.append("]}").toString();
  }

  static double cpu() {
    var system = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    return system.getProcessCpuTime() / 1e9;
  }

  /** CPU seconds a decision with its JSON, all threads counted, the best of N passes after as many to warm up. */
  static double bench(KieSession session, List<String> lines, int passes) {
    double best = Double.MAX_VALUE;
    long bytes = 0;
    for (int pass = 0; pass < 2 * passes; pass++) {
      double begin = cpu();
      for (String line : lines) bytes += json(decide(session, Policy.read(line))).length();
      double each = (cpu() - begin) / lines.size();
      if (pass >= passes) best = Math.min(best, each);
    }
    if (bytes == 0) throw new IllegalStateException();
    return best;
  }

  public static void main(String[] arguments) throws Exception {
    var reader = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    KieSession session = KieBaseBuilder.createKieBaseFromModel(Policy.model()).newKieSession();
    List<String> lines = reader.lines().toList();
    var out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    if (arguments.length > 0 && arguments[0].equals("bench")) {
      out.println(bench(session, lines, Integer.parseInt(arguments[1])));
    } else {
      for (String line : lines) out.println(line(decide(session, Policy.read(line))));
    }
    out.flush();
  }
}
