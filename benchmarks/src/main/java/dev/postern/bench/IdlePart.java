package dev.postern.bench;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * One job at a time into a system with nothing to do: from the commit to its arrival at the function. In turns. Both
 * workers have done a backlog before, as one that runs for a while has, and a vacuum was there, as autovacuum is within
 * a minute: how much of one falls into a turn shall not be by chance.
 */
final class IdlePart implements Part {

    private static final String SECTION = "idle latency";
    private static final int WARM_UP = 60;
    private static final int PAUSE_MS = 20;

    private final Postern ours;
    private final Optional<NodePeer> peer;

    IdlePart(Postern ours, Optional<NodePeer> peer) {
        this.ours = ours;
        this.peer = peer;
    }

    @Override
    public String name() {
        return "idle";
    }

    @Override
    public void run(Lab lab, Size size, Figures figures) throws InterruptedException {
        Database database = ours.prepare();
        Optional<Database> other = Optional.empty();
        List<Sender> senders = new ArrayList<>();
        try (Child worker = ours.start(database)) {
            new Drain(lab, ours, database, List.of(worker)).all(size.warmUp());
            database.execute("vacuum analyze");
            senders.add(new Sender(lab, ours.name(), database, """
                    select (app_jobs.add_job(
                      '00000000-0000-0000-0000-000000000001', 'noop', json_build_object('n', ?::bigint))).id"""));
            if (peer.isPresent()) {
                other = Optional.of(peer.get().prepare());
                try (Child peersWorker = peer.get().start(other.get())) {
                    new Drain(lab, peer.get(), other.get(), List.of(peersWorker))
                            .all(peer.get().backlog(size.warmUp()));
                    other.get().execute("vacuum analyze");
                    senders.add(new Sender(lab, peer.get().name(), other.get(), """
                            select (graphile_worker.add_job('noop', json_build_object('n', ?::bigint))).id"""));
                    turns(lab, size, senders);
                    peersWorker.checkAlive();
                }
            } else {
                turns(lab, size, senders);
            }
            worker.checkAlive();
        } finally {
            lab.postgres().drop(database);
            other.ifPresent(lab.postgres()::drop);
        }
        senders.forEach(sender -> sender.figured.report(figures, sender.name));
        if (senders.size() > 1) {
            compare(figures, senders.getFirst(), senders.getLast());
        }
    }

    private static void turns(Lab lab, Size size, List<Sender> senders) throws InterruptedException {
        for (Sender sender : senders) {
            sender.send(WARM_UP);
        }
        for (int turn = 1; turn <= size.turns(); turn++) {
            for (Sender sender : senders) {
                lab.progress().say(sender.name + ", turn " + turn + " of " + size.turns());
                sender.figured.add(sender.send(size.idleJobs()));
            }
        }
    }

    private static void compare(Figures figures, Sender ours, Sender theirs) {
        String names = ours.name + " / " + theirs.name;
        compare(figures, names + ", sent to receipt, p50", ours.figured.sentP50, theirs.figured.sentP50, 0.7);
        compare(figures, names + ", sent to receipt, p99", ours.figured.sentP99, theirs.figured.sentP99, 0.75);
        compare(figures, names + ", commit to receipt, p50", ours.figured.p50, theirs.figured.p50, 0.7);
        compare(figures, names + ", commit to receipt, p99", ours.figured.p99, theirs.figured.p99, 0.75);
    }

    private static void compare(Figures figures, String name, List<Double> ours, List<Double> theirs, double most) {
        figures.add(SECTION, name, "×", new Series(ours).over(new Series(theirs)), Target.atMost(most));
    }

    /** A value a turn, in milliseconds. */
    private static final class Figured {

        private final List<Double> p50 = new ArrayList<>();
        private final List<Double> p99 = new ArrayList<>();
        private final List<Double> sentP50 = new ArrayList<>();
        private final List<Double> sentP99 = new ArrayList<>();

        void report(Figures figures, String name) {
            figures.add(SECTION, name + ", sent to receipt, p50", "ms", new Series(sentP50));
            figures.add(SECTION, name + ", sent to receipt, p99", "ms", new Series(sentP99));
            figures.add(SECTION, name + ", commit to receipt, p50", "ms", new Series(p50));
            figures.add(SECTION, name + ", commit to receipt, p99", "ms", new Series(p99));
        }

        void add(Sent sent) {
            p50.add(sent.fromCommit.percentile(50));
            p99.add(sent.fromCommit.percentile(99));
            sentP50.add(sent.fromSend.percentile(50));
            sentP99.add(sent.fromSend.percentile(99));
        }
    }

    private record Sent(Latency fromSend, Latency fromCommit) {}

    private static final class Sender {

        private final Lab lab;
        private final String name;
        private final Database database;
        private final String statement;
        private final Figured figured = new Figured();
        // Pauses alone; a fixed seed gives both contenders the same.
        private final SplittableRandom random = new SplittableRandom(1);

        Sender(Lab lab, String name, Database database, String statement) {
            this.lab = lab;
            this.name = name;
            this.database = database;
            this.statement = statement;
        }

        Sent send(int jobs) throws InterruptedException {
            lab.functions().reset(true);
            long[] sent = new long[jobs];
            long[] committed = new long[jobs];
            try (Connection connection = database.connect();
                    PreparedStatement add = connection.prepareStatement(statement)) {
                for (int n = 0; n < jobs; n++) {
                    Thread.sleep(PAUSE_MS + random.nextInt(PAUSE_MS));
                    add.setLong(1, n);
                    sent[n] = System.nanoTime();
                    add.execute();
                    committed[n] = System.nanoTime();
                }
            } catch (SQLException e) {
                throw new BenchException("cannot add a job: " + e.getMessage(), e);
            }
            lab.functions().await(jobs);
            Latency fromSend = new Latency();
            Latency fromCommit = new Latency();
            lab.functions().stamps().forEach((n, at) -> {
                fromSend.add(at - sent[n.intValue()]);
                fromCommit.add(at - committed[n.intValue()]);
            });
            return new Sent(fromSend, fromCommit);
        }
    }
}
