package dev.postern.functions.exportreport;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.net.URI;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.Instant;
import java.util.HexFormat;
import java.util.UUID;
import java.util.stream.Stream;

/** Where exports are kept: {@code <directory>/<tenant>/<name>}. */
final class ExportDirectory {

    private static final String DRAFT = ".draft";

    private final ExportConfig config;
    private final Clock clock;

    /** A file that others can read now. */
    record Published(URI url, long size) {}

    ExportDirectory(ExportConfig config, Clock clock) {
        this.config = config;
        this.clock = clock;
    }

    /** An empty file that nobody knows; closing it without publishing removes it. */
    Draft draft(UUID tenant) throws IOException {
        Path directory = Files.createDirectories(config.directory().resolve(tenant.toString()));
        // Not a temporary file of Java's, which nobody else could read under its later name either.
        return new Draft(tenant, directory.resolve(UUID.randomUUID() + DRAFT));
    }

    /** Drafts of killed attempts as well. */
    void removeExpired(UUID tenant) throws IOException {
        Instant oldest = clock.instant().minus(config.keep());
        try (Stream<Path> files = Files.list(config.directory().resolve(tenant.toString()))) {
            for (Path file : files.toList()) {
                if (isBefore(file, oldest)) {
                    Files.deleteIfExists(file);
                }
            }
        }
    }

    private static boolean isBefore(Path file, Instant oldest) throws IOException {
        try {
            return Files.getLastModifiedTime(file).toInstant().isBefore(oldest);
        } catch (NoSuchFileException e) {
            return false; // another export was quicker
        }
    }

    private URI url(UUID tenant, Path file) {
        URI base = config.baseUrl();
        return base == null
                ? file.toUri()
                : URI.create(base.toString().replaceFirst("/+$", "") + "/" + tenant + "/" + file.getFileName());
    }

    /** A file that is being written. One thread. */
    final class Draft implements AutoCloseable {

        private final UUID tenant;
        private final Path path;
        private final FileChannel channel;
        private final MessageDigest sha256;
        private final Writer out;

        private Draft(UUID tenant, Path path) throws IOException {
            this.tenant = tenant;
            this.path = path;
            this.channel = FileChannel.open(path, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);
            try {
                this.sha256 = MessageDigest.getInstance("SHA-256");
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every Java has SHA-256", e);
            }
            OutputStream digested = new DigestOutputStream(Channels.newOutputStream(channel), sha256);
            this.out = new BufferedWriter(new OutputStreamWriter(digested, StandardCharsets.UTF_8), 1 << 16);
        }

        Writer out() {
            return out;
        }

        /** Everything is on the disk; answers the checksum in hex. */
        String seal() throws IOException {
            out.flush();
            channel.force(true);
            out.close();
            return HexFormat.of().formatHex(sha256.digest());
        }

        /** Whole, and in place of an earlier attempt's. */
        Published publish(String name) throws IOException {
            Path file = path.resolveSibling(name);
            Files.move(path, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            return new Published(url(tenant, file), Files.size(file));
        }

        @Override
        public void close() throws IOException {
            channel.close();
            Files.deleteIfExists(path);
        }
    }
}
