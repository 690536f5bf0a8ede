package dev.postern.functions.exportreport;

import dev.postern.functions.runtime.Settings;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The function's own settings.
 *
 * @param directory where files go, one directory a tenant below it ({@code EXPORT_DIR}, required)
 * @param baseUrl the address under which somebody serves that directory ({@code EXPORT_URL}); without it links are
 *     {@code file:} ones
 * @param role the role that queries run as ({@code EXPORT_ROLE}, default {@code postern_tenant})
 * @param mostRows more rows than this are refused ({@code EXPORT_MAX_ROWS}, default a million)
 * @param keep files of a tenant that are older go with its next export ({@code EXPORT_KEEP_DAYS}, default 7)
 */
record ExportConfig(Path directory, @Nullable URI baseUrl, String role, int mostRows, Duration keep) {

    static ExportConfig from(Settings settings) {
        return new ExportConfig(
                Path.of(settings.required("EXPORT_DIR", "the directory that export files go to"))
                        .toAbsolutePath()
                        .normalize(),
                settings.httpUrl("EXPORT_URL"),
                settings.text("EXPORT_ROLE", "postern_tenant"),
                settings.number("EXPORT_MAX_ROWS", 1_000_000, 1, Integer.MAX_VALUE),
                Duration.ofDays(settings.number("EXPORT_KEEP_DAYS", 7, 1, 3650)));
    }
}
