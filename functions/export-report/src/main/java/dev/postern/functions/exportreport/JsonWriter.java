package dev.postern.functions.exportreport;

import java.io.IOException;
import java.io.Writer;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;

/**
 * An array of objects, one a line. Postgres writes the objects: numbers keep all their digits, times are ISO 8601, JSON
 * columns stay JSON.
 */
final class JsonWriter implements RowWriter {

    private final Writer out;
    private boolean first = true;

    JsonWriter(Writer out) {
        this.out = out;
    }

    @Override
    public String columns() {
        return "row_to_json(r)::text";
    }

    @Override
    public void begin(ResultSetMetaData columns) throws IOException {
        out.write("[");
    }

    @Override
    public void row(ResultSet rows) throws SQLException, IOException {
        out.write(first ? "\n" : ",\n");
        out.write(rows.getString(1));
        first = false;
    }

    @Override
    public void end() throws IOException {
        out.write("\n]\n");
    }
}
