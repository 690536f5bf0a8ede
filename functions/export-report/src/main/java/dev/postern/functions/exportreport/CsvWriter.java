package dev.postern.functions.exportreport;

import java.io.IOException;
import java.io.Writer;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Types;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * RFC 4180 with a header line, UTF-8. Null is an empty field, the empty text is {@code ""}. Texts that a spreadsheet would
 * run as a formula get an apostrophe in front: what a tenant's users typed shall not run on the reader's machine.
 */
final class CsvWriter implements RowWriter {

    private static final String LINE_END = "\r\n";
    /** The last four are what East Asian keyboards type for the first four; spreadsheets take them too. */
    private static final String FORMULA_STARTS = "=+-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20";

    /** Semicolons and tabs: where a spreadsheet takes them for the separator, what follows would be a field of its own. */
    private static final String QUOTED = ",;\t\"\n\r";

    private static final Set<Integer> NUMBERS = Set.of(
            Types.SMALLINT,
            Types.INTEGER,
            Types.BIGINT,
            Types.NUMERIC,
            Types.DECIMAL,
            Types.REAL,
            Types.FLOAT,
            Types.DOUBLE);

    private final Writer out;
    private boolean[] numeric = {};

    CsvWriter(Writer out) {
        this.out = out;
    }

    @Override
    public String columns() {
        return "r.*";
    }

    @Override
    public void begin(ResultSetMetaData columns) throws SQLException, IOException {
        numeric = new boolean[columns.getColumnCount()];
        for (int i = 0; i < numeric.length; i++) {
            numeric[i] = NUMBERS.contains(columns.getColumnType(i + 1));
            field(i, columns.getColumnLabel(i + 1), false);
        }
        out.write(LINE_END);
    }

    @Override
    public void row(ResultSet rows) throws SQLException, IOException {
        for (int i = 0; i < numeric.length; i++) {
            field(i, rows.getString(i + 1), numeric[i]);
        }
        out.write(LINE_END);
    }

    @Override
    public void end() {}

    private void field(int column, @Nullable String value, boolean number) throws IOException {
        if (column > 0) {
            out.write(',');
        }
        if (value == null) {
            return;
        }
        String safe = !number && !value.isEmpty() && FORMULA_STARTS.indexOf(value.charAt(0)) >= 0 ? "'" + value : value;
        boolean quoted = safe.isEmpty() || safe.chars().anyMatch(c -> QUOTED.indexOf(c) >= 0);
        out.write(quoted ? '"' + safe.replace("\"", "\"\"") + '"' : safe);
    }
}
