package dev.postern.service.cli;

import dev.postern.sql.ScheduleDirectory;
import dev.postern.sql.ScheduleDirectory.Listed;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** What people do with schedules, whoever does it for them. Blocking; empty is: there is no such schedule. */
interface Schedules {

    List<Listed> list(@Nullable UUID tenant, @Nullable String task, List<Long> ids, int limit);

    Optional<Listed> pause(long id, String by);

    Optional<Listed> resume(long id);

    /** The id of the job that was made. */
    Optional<Long> run(long id, boolean overlap);

    Optional<Listed> delete(long id);

    /** Those of the database. */
    record OfDatabase(ScheduleDirectory directory) implements Schedules {

        @Override
        public List<Listed> list(@Nullable UUID tenant, @Nullable String task, List<Long> ids, int limit) {
            return directory.list(tenant, task, ids, limit).await();
        }

        @Override
        public Optional<Listed> pause(long id, String by) {
            return directory.pause(id, by).await();
        }

        @Override
        public Optional<Listed> resume(long id) {
            return directory.resume(id).await();
        }

        @Override
        public Optional<Long> run(long id, boolean overlap) {
            return directory.run(id, overlap).await();
        }

        @Override
        public Optional<Listed> delete(long id) {
            return directory.delete(id).await();
        }
    }
}
