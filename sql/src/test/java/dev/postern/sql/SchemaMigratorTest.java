package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class SchemaMigratorTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    @Test
    void findsNothingToDoTheSecondTime() {
        assertThat(new SchemaMigrator(database.config()).migrate().applied()).isZero();
    }

    @Test
    void addsAJob() {
        long id = database.addJob("system-ping", "{}");
        assertThat(database.rows("select * from app_jobs.claim_jobs('worker-1', null, 10, '30 s')"))
                .hasSize(1);
        assertThat(database.number("select attempts from app_jobs.jobs where id = ?", id))
                .isOne();
    }
}
