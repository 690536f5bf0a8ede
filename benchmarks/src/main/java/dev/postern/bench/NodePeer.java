package dev.postern.bench;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Another queue, out of npm, driven by a script beside this class that is copied to where npm put its packages.
 *
 * @param kind what is known of it
 * @param node the Node that runs it
 * @param directory where its script and packages are
 * @param mode {@code throughput} or {@code latency}: its settings differ
 */
record NodePeer(Lab lab, Kind kind, Path node, Path directory, String mode) implements Contender {

    static final String GRAPHILE = "graphile-worker";
    static final String PG_BOSS = "pg-boss";
    static final String CONSTRUCTIVE = "Constructive's worker";

    /** What graphile-worker and pg-boss ask for. */
    private static final List<Integer> NODE = List.of(22, 18);

    // Of the two versions that npm has of Constructive's types, the newer one lacks what its worker reads.
    private static final String MANIFEST = """
            {"private": true, "type": "module", "overrides": {
              "@constructive-io/job-utils": {"@pgpmjs/types": "2.29.0"}}}
            """;

    /** A worker that takes one job at a time would need minutes for what the others do in seconds. */
    private static final int FEWER = 20;

    /** So much longer does a job take without the settings for throughput; it is for warming up only. */
    private static final int FEWER_ALONE = 4;

    enum Kind {
        GRAPHILE_WORKER(
                GRAPHILE,
                "graphile.mjs",
                "graphile-worker@0.18 undici@7",
                "exists (select 1 from graphile_worker._private_jobs)"),
        PG_BOSS_IN_BATCHES(
                PG_BOSS,
                "pgboss.mjs",
                "pg-boss@12 undici@7",
                "exists (select 1 from pgboss.job where state < 'completed')"),
        // Its jobs are completed by the function's report, which is not charged to it here.
        CONSTRUCTIVES(
                CONSTRUCTIVE,
                "constructive.mjs",
                "@constructive-io/knative-job-worker@3 @pgpm/database-jobs@0.16.0",
                "false");

        private final String title;
        private final String script;
        /** As npm takes them, with a blank between. */
        private final String packages;

        private final String unfinished;

        Kind(String title, String script, String packages, String unfinished) {
            this.title = title;
            this.script = script;
            this.packages = packages;
            this.unfinished = unfinished;
        }
    }

    /** Those that npm can bring; the others are noted. What an earlier run brought is used again. */
    static List<NodePeer> install(Lab lab, Figures figures) {
        lab.progress().say("installing peers by npm");
        List<NodePeer> peers = new ArrayList<>();
        Path npm = Lab.directory(lab.out().resolve("npm"));
        Optional<Path> node = node(npm);
        if (node.isEmpty()) {
            figures.note("no peers: they need Node " + NODE.getFirst() + "." + NODE.getLast()
                    + " or newer, and npm could not bring it");
            return peers;
        }
        for (Kind kind : Kind.values()) {
            Path directory = Lab.directory(npm.resolve(kind.script.replace(".mjs", "")));
            if (installed(directory, kind.packages)) {
                Lab.resource(kind.script, directory);
                peers.add(new NodePeer(lab, kind, node.get(), directory, "throughput"));
            } else {
                figures.note("no " + kind.title + ": npm could not install " + kind.packages + "; its log is "
                        + directory.resolve("npm.log"));
            }
        }
        return peers;
    }

    private static Optional<Path> node(Path npm) {
        String[] own = Machine.output(npm, "node", "--version").replace("v", "").split("\\.", -1);
        if (own.length == 3) {
            int major = Integer.parseInt(own[0]);
            if (major > NODE.getFirst() || (major == NODE.getFirst() && Integer.parseInt(own[1]) >= NODE.getLast())) {
                return Optional.of(Path.of("node"));
            }
        }
        String arch = System.getProperty("os.arch").equals("aarch64") ? "arm64" : "x64";
        String binaries = "node-linux-" + arch;
        Path directory = Lab.directory(npm.resolve("node"));
        return installed(directory, binaries + "@" + NODE.getFirst())
                ? Optional.of(
                        directory.resolve("node_modules").resolve(binaries).resolve("bin/node"))
                : Optional.empty();
    }

    private static boolean installed(Path directory, String packages) {
        Path done = directory.resolve("installed");
        try {
            if (Files.exists(done) && Files.readString(done).equals(packages)) {
                return true;
            }
            Files.writeString(directory.resolve("package.json"), MANIFEST);
            List<String> command = new ArrayList<>(List.of("npm", "install", "--no-audit", "--no-fund"));
            command.addAll(List.of(packages.split(" ", -1)));
            Process process = new ProcessBuilder(command)
                    .directory(directory.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(directory.resolve("npm.log").toFile())
                    .start();
            if (process.waitFor() != 0) {
                return false;
            }
            Files.writeString(done, packages);
            return true;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** With the settings that answer soonest. */
    NodePeer forLatency() {
        return new NodePeer(lab, kind, node, directory, "latency");
    }

    @Override
    public String name() {
        return kind.title;
    }

    @Override
    public Database prepare() throws InterruptedException {
        Database database = lab.postgres().empty();
        if (kind == Kind.CONSTRUCTIVES) {
            Path sql = directory.resolve("node_modules/@pgpm/database-jobs/sql/pgpm-database-jobs--0.15.3.sql");
            database.execute("do $$ begin if not exists (select 1 from pg_roles where rolname = 'administrator') then"
                    + " create role administrator; end if; end $$");
            // Its schema names this function where pgcrypto put it before Postgres had its own.
            database.execute("create function public.gen_random_uuid() returns uuid language sql as"
                    + " 'select pg_catalog.gen_random_uuid()'");
            try {
                database.execute(Files.readString(sql).replaceAll("(?m)^\\\\.*$", ""));
            } catch (IOException e) {
                throw new BenchException("cannot read " + sql, e);
            }
        } else {
            try (Child migration = script(database, "migrate")) {
                migration.awaitEnd();
            }
        }
        return database;
    }

    @Override
    public Child start(Database database) throws InterruptedException {
        Child worker = script(database, "work", mode);
        worker.awaitOutput("ready");
        return worker;
    }

    private Child script(Database database, String... arguments) {
        List<String> command = new ArrayList<>(
                List.of(node.toString(), directory.resolve(kind.script).toString()));
        command.addAll(List.of(arguments));
        URI url = URI.create(database.url());
        Map<String, String> environment = new HashMap<>(Map.of(
                "BENCH_DATABASE", database.url(),
                "BENCH_FUNCTION", lab.functions().url() + "/noop",
                // Its map of single functions is read in development only.
                "NODE_ENV", kind == Kind.CONSTRUCTIVES ? "development" : "production",
                "PGHOST", url.getHost(),
                "PGPORT", Integer.toString(url.getPort()),
                "PGUSER", database.config().user(),
                "PGDATABASE", database.config().database(),
                "PGPASSWORD", "unused",
                "HOSTNAME", "bench"));
        environment.putAll(Map.of(
                "JOBS_SUPPORT_ANY", "true",
                "INTERNAL_GATEWAY_DEVELOPMENT_MAP",
                        "{\"noop\": \"" + lab.functions().url() + "/noop\"}",
                "INTERNAL_JOBS_CALLBACK_URL", "http://127.0.0.1:9",
                "LOG_LEVEL", "error"));
        return lab.start(kind.script.replace(".mjs", "").toLowerCase(Locale.ROOT), command, environment);
    }

    @Override
    public void enqueue(Database database, int first, int jobs) throws InterruptedException {
        String numbers = " from generate_series(" + first + ", " + (first + jobs - 1) + ") n";
        switch (kind) {
            case GRAPHILE_WORKER ->
                database.number("select count(*) from graphile_worker.add_jobs((select array_agg(row('noop',"
                        + " json_build_object('n', n), null, null, null, null, null, null)::graphile_worker.job_spec)"
                        + numbers + "))");
            case CONSTRUCTIVES ->
                database.number("select count((app_jobs.add_job('" + Postern.TENANT + "'::uuid, 'noop',"
                        + " json_build_object('n', n))).id)" + numbers);
            case PG_BOSS_IN_BATCHES -> {
                try (Child insert = script(database, "enqueue", Integer.toString(first), Integer.toString(jobs))) {
                    insert.awaitEnd();
                }
            }
        }
    }

    @Override
    public String unfinished() {
        return kind.unfinished;
    }

    @Override
    public int backlog(int asked) {
        if (mode.equals("latency")) {
            return asked / FEWER_ALONE;
        }
        return kind == Kind.CONSTRUCTIVES ? asked / FEWER : asked;
    }
}
