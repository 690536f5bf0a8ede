package dev.postern.functions.exportreport;

import dev.postern.functions.runtime.BadPayload;
import dev.postern.functions.runtime.Settings;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The reports that may be asked for, by name: each is one query in a file. A payload names a report and never brings SQL.
 * A query reads the wished days from the settings {@code export.date_from} and {@code export.date_to}.
 */
final class ReportCatalogue {

    private static final List<String> OWN = List.of("finished-jobs", "dead-letters");
    private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9_-]{0,62}");
    private static final Pattern SCHEMA = Pattern.compile("[a-z_][a-z0-9_]{0,62}");
    private static final String EXTENSION = ".sql";

    private final Map<String, String> queries;

    ReportCatalogue(Map<String, String> queries) {
        this.queries = new TreeMap<>(queries);
    }

    /** The two of ours, over the tenant's jobs in {@code JOBS_SCHEMA}, and those of {@code EXPORT_REPORTS_DIR}. */
    static ReportCatalogue read(Settings settings) {
        Map<String, String> queries = new TreeMap<>();
        String schema = settings.text("JOBS_SCHEMA", "app_jobs");
        if (!SCHEMA.matcher(schema).matches()) {
            settings.mistake("JOBS_SCHEMA must be a plain lower-case identifier such as app_jobs, is '" + schema + "'");
        }
        OWN.forEach(name -> queries.put(name, resource(name).replace("${jobs}", schema)));
        String directory = settings.optional("EXPORT_REPORTS_DIR");
        if (directory != null) {
            addFiles(settings, Path.of(directory), queries);
        }
        return new ReportCatalogue(queries);
    }

    private static void addFiles(Settings settings, Path directory, Map<String, String> queries) {
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file :
                    files.filter(file -> file.toString().endsWith(EXTENSION)).toList()) {
                String fileName = file.getFileName().toString();
                String name = fileName.substring(0, fileName.length() - EXTENSION.length());
                if (!NAME.matcher(name).matches()) {
                    settings.mistake("EXPORT_REPORTS_DIR has '" + fileName
                            + "'; a report's name is lower-case letters, digits, - and _, at most 63 characters");
                }
                queries.put(name, Files.readString(file));
            }
        } catch (IOException e) {
            settings.mistake("EXPORT_REPORTS_DIR cannot be read: " + e);
        }
    }

    private static String resource(String name) {
        try (InputStream file = ReportCatalogue.class.getResourceAsStream("reports/" + name + EXTENSION)) {
            if (file == null) {
                throw new IllegalStateException("the report " + name + " is missing in the jar");
            }
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IllegalStateException("the report " + name + " cannot be read from the jar", e);
        }
    }

    Set<String> names() {
        return queries.keySet();
    }

    /**
     * A report's query, without a semicolon at its end.
     *
     * @throws BadPayload when there is no such report
     */
    String query(String name) {
        String query = queries.get(name);
        if (query == null) {
            throw new BadPayload(
                    "reportType", "must be one of " + String.join(", ", queries.keySet()) + ", is '" + name + "'");
        }
        return query.strip().replaceFirst(";$", "");
    }
}
