package dev.postern.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.sql.DatabaseConfig;
import dev.postern.sql.JobDatabase;
import dev.postern.sql.TcpProxy;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What a worker does while the way to its database is cut or silent. */
class DatabaseFaultsTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @RegisterExtension
    final WorkerFixture fixture = new WorkerFixture(database);

    private TcpProxy line() {
        return TcpProxy.start(
                fixture.vertx, database.config().host(), database.config().port());
    }

    private static DatabaseConfig over(TcpProxy line) {
        DatabaseConfig direct = database.config();
        return new DatabaseConfig(
                "127.0.0.1",
                line.port(),
                direct.database(),
                direct.user(),
                direct.password(),
                direct.schema(),
                direct.poolSize(),
                direct.tls());
    }

    @Test
    void stopsActingOnAJobWhoseLeaseItCanNoLongerTrust() {
        List<HttpServerRequest> held = new CopyOnWriteArrayList<>();
        List<String> broken = new CopyOnWriteArrayList<>();
        fixture.function.answers(request -> {
            request.connection().closeHandler(closed -> broken.add("closed"));
            held.add(request);
        });
        TcpProxy line = line();
        fixture.start(over(line), config -> config.withLease(Duration.ofSeconds(2)));
        long id = database.addJob("slow", "{}");
        fixture.eventually(() -> !held.isEmpty());

        line.stall();

        // The row still looks fine: nobody has taken the lease back. The worker stops all the same.
        fixture.eventually(() -> fixture.events.contains("lost " + id) && !broken.isEmpty());
        assertThat(database.number("select count(*) from app_jobs.jobs where id = ? and locked_at is not null", id))
                .isOne();
        line.resume();
    }

    @Test
    void keepsAnOutcomeUntilTheDatabaseIsBack() {
        List<HttpServerRequest> held = new CopyOnWriteArrayList<>();
        fixture.function.answers(held::add);
        TcpProxy line = line();
        fixture.start(over(line), config -> config);
        long id = database.addJob("slow", "{}");
        fixture.eventually(() -> !held.isEmpty());
        line.cut();
        held.getFirst().response().end();
        fixture.eventually(() -> held.getFirst().response().ended());
        line.resume();
        fixture.eventually(1, "select count(*) from app_jobs.job_history where id = ? and attempts = 1", id);
        assertThat(held).hasSize(1);
    }

    @Test
    void claimsAgainByItselfWhenTheDatabaseIsBack() {
        TcpProxy line = line();
        fixture.start(over(line), config -> config);
        long before = database.addJob("before", "{}");
        fixture.eventually(1, "select count(*) from app_jobs.job_history where id = ?", before);
        line.cut();
        long during = database.addJob("during", "{}");
        // Told of each, so that a counter shows how long it lasts.
        fixture.eventually(
                () -> fixture.events.stream().filter("claim failed"::equals).count() > 2);
        line.resume();
        fixture.eventually(1, "select count(*) from app_jobs.job_history where id = ?", during);
    }
}
