package dev.postern.functions.exportreport;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.postern.functions.runtime.BadPayload;
import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import org.jspecify.annotations.Nullable;

/**
 * What to export.
 *
 * @param reportType a report of the catalogue
 * @param format how to write it
 * @param filters the days to look at
 */
record ExportPayload(String reportType, Format format, Filters filters) {

    /** How a file is written. */
    enum Format {
        @JsonProperty("csv")
        CSV("csv"),
        @JsonProperty("json")
        JSON("json");

        private final String extension;

        Format(String extension) {
            this.extension = extension;
        }

        String extension() {
            return extension;
        }
    }

    /**
     * Days in UTC, both included; without one that end is open.
     *
     * @param dateFrom the first, as 2026-01-31
     * @param dateTo the last
     */
    record Filters(@Nullable String dateFrom, @Nullable String dateTo) {

        static final Filters NONE = new Filters(null, null);

        Filters {
            LocalDate from = day("filters.dateFrom", dateFrom);
            LocalDate to = day("filters.dateTo", dateTo);
            if (from != null && to != null && from.isAfter(to)) {
                throw new BadPayload("filters.dateTo", "must not be before dateFrom (" + from + "), is " + to);
            }
        }

        private static @Nullable LocalDate day(String field, @Nullable String text) {
            try {
                return text == null ? null : LocalDate.parse(text);
            } catch (DateTimeParseException e) {
                throw new BadPayload(field, "must be a date such as 2026-01-31, is '" + text + "'", e);
            }
        }
    }

    @SuppressWarnings("NullAway") // What is missing in the JSON arrives as null.
    ExportPayload {
        if (reportType == null || reportType.isBlank()) {
            throw new BadPayload("reportType", "is required: the name of a report");
        }
        if (format == null) {
            throw new BadPayload("format", "is required: csv or json");
        }
        filters = filters == null ? Filters.NONE : filters;
    }
}
