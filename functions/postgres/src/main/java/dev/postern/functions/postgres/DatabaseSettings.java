package dev.postern.functions.postgres;

import dev.postern.functions.runtime.Settings;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.ds.PGSimpleDataSource;

/** Reads where the database is. The one place that knows the driver. */
final class DatabaseSettings {

    private static final int CONNECT_SECONDS = 5;
    private static final String VERIFY_FULL = "verify-full";
    private static final Set<String> TLS = Set.of("disable", "prefer", "require", VERIFY_FULL);

    private DatabaseSettings() {}

    static DataSource read(String name, Settings settings) {
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setServerNames(new String[] {settings.text("PGHOST", "localhost")});
        source.setPortNumbers(new int[] {settings.number("PGPORT", 5432, 1, 65_535)});
        source.setUser(settings.text("PGUSER", "postgres"));
        source.setPassword(settings.text("PGPASSWORD", ""));
        source.setDatabaseName(settings.text("PGDATABASE", "postgres"));
        encrypt(source, settings, "PGSSLMODE", settings.text("PGSSLMODE", "prefer"));
        String url = settings.optional("DATABASE_URL");
        if (url != null) {
            readUrl(source, settings, url);
        } else if (settings.optional("PGHOST") == null && settings.optional("PGDATABASE") == null) {
            settings.mistake("no database is named: set DATABASE_URL, or PGHOST, PGUSER, PGPASSWORD and PGDATABASE");
        }
        source.setApplicationName(name);
        source.setConnectTimeout(CONNECT_SECONDS);
        source.setLoginTimeout(CONNECT_SECONDS);
        source.setTcpKeepAlive(true);
        // A statement runs once in a connection, and a pooler may give the next one another session.
        source.setPrepareThreshold(0);
        // Details repeat values of rows, and messages are kept as the job's error.
        source.setLogServerErrorDetail(false);
        return source;
    }

    private static void readUrl(PGSimpleDataSource source, Settings settings, String url) {
        URI uri = parsed(url);
        if (uri == null) {
            // The value may hold a password and is not repeated.
            settings.mistake("DATABASE_URL must be postgres://user:password@host:port/database,"
                    + " special characters of the password percent-encoded");
            return;
        }
        source.setServerNames(new String[] {uri.getHost()});
        source.setPortNumbers(new int[] {uri.getPort() < 0 ? 5432 : uri.getPort()});
        source.setDatabaseName(decoded(uri.getRawPath().substring(1)));
        if (uri.getRawUserInfo() != null) {
            String[] login = uri.getRawUserInfo().split(":", 2);
            source.setUser(decoded(login[0]));
            source.setPassword(login.length > 1 ? decoded(login[1]) : "");
        }
        for (String parameter : (uri.getRawQuery() == null ? "" : uri.getRawQuery()).split("&", -1)) {
            if (parameter.startsWith("sslmode=")) {
                encrypt(source, settings, "sslmode in DATABASE_URL", parameter.substring("sslmode=".length()));
            } else if (!parameter.isEmpty() && !parameter.equals("pgbouncer=true")) {
                settings.mistake("DATABASE_URL has the parameter '" + parameter.split("=", 2)[0]
                        + "', which is not known; expected sslmode, or pgbouncer=true");
            }
        }
    }

    private static @Nullable URI parsed(String url) {
        try {
            URI uri = URI.create(url);
            boolean postgres = "postgres".equals(uri.getScheme()) || "postgresql".equals(uri.getScheme());
            boolean complete = uri.getHost() != null
                    && uri.getRawPath() != null
                    && uri.getRawPath().length() > 1;
            return postgres && complete ? uri : null;
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private static void encrypt(PGSimpleDataSource source, Settings settings, String setting, String mode) {
        if (!TLS.contains(mode)) {
            settings.mistake(setting + " must be disable, prefer, require or verify-full, is '" + mode + "'");
            return;
        }
        source.setSslMode(mode);
        if (mode.equals(VERIFY_FULL)) {
            // Java's trust store, as the job service does.
            source.setSslfactory("org.postgresql.ssl.DefaultJavaSSLFactory");
        }
    }

    private static String decoded(String text) {
        return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    }
}
