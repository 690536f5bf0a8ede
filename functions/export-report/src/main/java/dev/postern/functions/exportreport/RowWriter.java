package dev.postern.functions.exportreport;

import java.io.IOException;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;

/** One format: a beginning, rows, an end. */
sealed interface RowWriter permits CsvWriter, JsonWriter {

    /** What to select from the report's query, which is called {@code r}. */
    String columns();

    void begin(ResultSetMetaData columns) throws SQLException, IOException;

    /** Writes the row that the cursor stands on. */
    void row(ResultSet rows) throws SQLException, IOException;

    void end() throws IOException;
}
