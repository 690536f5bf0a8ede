package dev.postern.bench;

import dev.postern.sql.DatabaseConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** db-scheduler in a process of its own ({@link DbSchedulerProcess}), by the Java and the flags that Postern has. */
record DbScheduler(Lab lab) implements Contender {

    static final String NAME = "db-scheduler";

    // As it publishes them for PostgreSQL, less the index that only priorities need, which are off and would cost.
    private static final String TABLE = """
            create table scheduled_tasks (
              task_name text not null,
              task_instance text not null,
              task_data bytea,
              execution_time timestamp with time zone not null,
              picked boolean not null,
              picked_by text,
              last_success timestamp with time zone,
              last_failure timestamp with time zone,
              consecutive_failures int,
              last_heartbeat timestamp with time zone,
              version bigint not null,
              priority smallint,
              primary key (task_name, task_instance)
            );
            create index execution_time_idx on scheduled_tasks (execution_time);
            create index last_heartbeat_idx on scheduled_tasks (last_heartbeat);
            """;

    /** It and Postgres took 1.2 s of processor time for 1,000 jobs, Postern 0.3 (quick run, two busy cores). */
    private static final int FEWER = 2;

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Database prepare() {
        Database database = lab.postgres().empty();
        database.execute(TABLE);
        return database;
    }

    @Override
    public Child start(Database database) throws InterruptedException {
        DatabaseConfig config = database.config();
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(Postern.flags(lab.home().resolve("job-service/Dockerfile")));
        command.addAll(List.of(
                "-Dlogback.configurationFile=logback-bench.xml",
                "-cp",
                System.getProperty("java.class.path"),
                DbSchedulerProcess.class.getName(),
                "jdbc:postgresql://" + config.host() + ":" + config.port() + "/" + config.database() + "?user="
                        + config.user() + "&ApplicationName=db-scheduler",
                lab.functions().url() + "/noop"));
        Child worker = lab.start(NAME, command, Map.of());
        worker.awaitOutput("ready");
        return worker;
    }

    /** The rows that its client would insert, each due at its own moment. */
    @Override
    public void enqueue(Database database, int first, int jobs) {
        database.execute("insert into scheduled_tasks"
                + " (task_name, task_instance, task_data, execution_time, picked, version)"
                + " select '" + DbSchedulerProcess.TASK + "', n::text,"
                + " convert_to(json_build_object('n', n)::text, 'UTF8'), clock_timestamp(), false, 1"
                + " from generate_series(" + first + ", " + (first + jobs - 1) + ") n");
    }

    @Override
    public String unfinished() {
        return "exists (select 1 from scheduled_tasks)";
    }

    @Override
    public int backlog(int asked) {
        return asked / FEWER;
    }
}
