package dev.postern.bench;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * What one claim of 64 costs beside rows that are not due or dead, compared with none, in turns; before the first
 * ANALYZE, with a plan that was made while the table was empty, and after.
 */
final class ClaimPart implements Part {

    private static final String SECTION = "claim";
    private static final int AT_ONCE = 64;
    private static final int CLAIMS = 150;
    private static final int WARM_UP = 30;
    private static final String CLAIM =
            "select count(*) from app_jobs.claim_jobs('bench-worker', null, " + AT_ONCE + ", interval '1 hour')";

    private final Postern ours;

    ClaimPart(Postern ours) {
        this.ours = ours;
    }

    @Override
    public String name() {
        return SECTION;
    }

    @Override
    public void run(Lab lab, Size size, Figures figures) throws InterruptedException {
        Database bare = ours.prepare();
        Database full = ours.prepare();
        try (Connection inBare = bare.connect();
                Connection inFull = full.connect();
                PreparedStatement ofBare = inBare.prepareStatement(CLAIM);
                PreparedStatement ofFull = inFull.prepareStatement(CLAIM)) {
            for (Database database : List.of(bare, full)) {
                // Or the first ANALYZE comes by itself in the middle.
                database.execute("alter table app_jobs.jobs set (autovacuum_enabled = off)");
            }
            for (int i = 0; i < 10; i++) {
                ofBare.execute();
                ofFull.execute();
            }
            lab.progress().say("adding rows that are not due");
            full.execute("insert into app_jobs.jobs (database_id, task_identifier, run_at) select '" + Postern.TENANT
                    + "', 'noop', now() + interval '1 day' from generate_series(1, " + size.future() + ")");
            full.execute("insert into app_jobs.jobs (database_id, task_identifier, attempts, max_attempts) select '"
                    + Postern.TENANT + "', 'noop', 5, 5 from generate_series(1, " + size.dead() + ")");
            String beside = " beside " + size.future() + " future + " + size.dead() + " dead";
            compare(lab, size, figures, bare, ofBare, full, ofFull, beside + ", never analyzed");
            bare.execute("vacuum analyze");
            full.execute("vacuum analyze");
            compare(lab, size, figures, bare, ofBare, full, ofFull, beside + ", analyzed");
        } catch (SQLException e) {
            throw new BenchException("cannot claim: " + e.getMessage(), e);
        } finally {
            lab.postgres().drop(bare);
            lab.postgres().drop(full);
        }
    }

    private void compare(
            Lab lab,
            Size size,
            Figures figures,
            Database bare,
            PreparedStatement ofBare,
            Database full,
            PreparedStatement ofFull,
            String what)
            throws SQLException {
        List<Double> without = new ArrayList<>();
        List<Double> with = new ArrayList<>();
        for (Database database : List.of(bare, full)) {
            ours.enqueue(database, 0, size.repeats() * AT_ONCE * (CLAIMS + WARM_UP));
        }
        for (int turn = 1; turn <= size.repeats(); turn++) {
            lab.progress().say(what.strip() + ", turn " + turn + " of " + size.repeats());
            without.add(milliseconds(ofBare));
            with.add(milliseconds(ofFull));
        }
        figures.add(
                SECTION,
                "64 jobs," + what.substring(what.lastIndexOf(',') + 1) + ", nothing beside",
                "ms",
                new Series(without));
        figures.add(SECTION, "64 jobs" + what, "ms", new Series(with));
        figures.add(
                SECTION,
                "the same" + what.substring(what.lastIndexOf(',')) + ", beside / nothing beside",
                "×",
                new Series(with).over(new Series(without)),
                Target.atMost(1.1));
    }

    private static double milliseconds(PreparedStatement claim) throws SQLException {
        for (int i = 0; i < WARM_UP; i++) {
            claim.execute();
        }
        long began = System.nanoTime();
        for (int i = 0; i < CLAIMS; i++) {
            claim.execute();
        }
        return (System.nanoTime() - began) / 1e6 / CLAIMS;
    }
}
