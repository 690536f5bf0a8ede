package dev.postern.scheduler;

import dev.postern.sql.ReapedLease;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** Keeps what schedulers told it; one may listen to several. */
final class RecordingListener implements SchedulerListener {

    record Tick(long schedule, Instant at) {}

    record Parked(long schedule, String reason) {}

    final List<Tick> made = new CopyOnWriteArrayList<>();
    final List<Tick> overlaps = new CopyOnWriteArrayList<>();
    final List<Parked> parked = new CopyOnWriteArrayList<>();
    final List<ReapedLease> reaped = new CopyOnWriteArrayList<>();
    final List<String> pruned = new CopyOnWriteArrayList<>();
    final List<String> putOff = new CopyOnWriteArrayList<>();
    final AtomicInteger passedOver = new AtomicInteger();
    final AtomicInteger purged = new AtomicInteger();

    @Override
    public void ticked(long scheduleId, String task, Instant tick, long jobId, Duration lag) {
        made.add(new Tick(scheduleId, tick));
    }

    @Override
    public void passedOver(long scheduleId, String task, int ticks) {
        passedOver.addAndGet(ticks);
    }

    @Override
    public void overlapped(long scheduleId, String task, Instant tick) {
        overlaps.add(new Tick(scheduleId, tick));
    }

    @Override
    public void parked(long scheduleId, String task, String reason) {
        parked.add(new Parked(scheduleId, reason));
    }

    @Override
    public void reaped(ReapedLease lease) {
        reaped.add(lease);
    }

    @Override
    public void pruned(String state, int days) {
        pruned.add(state);
    }

    @Override
    public void pruningPutOff(String state) {
        putOff.add(state);
    }

    @Override
    public void purged(int deadLetters) {
        purged.addAndGet(deadLetters);
    }

    List<Tick> madeBy(long schedule) {
        return made.stream().filter(tick -> tick.schedule() == schedule).toList();
    }
}
