package dev.postern.worker;

import dev.postern.sql.ClaimedJob;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The jobs whose leases this worker holds. Belongs to the worker's context.
 *
 * <pre>
 *   claimed ──▶ waiting ──▶ called ──▶ answered: outcome offered ──▶ (gone)
 *                  │           │             lease is renewed until here
 *                  └───────────┴──▶ lease lost, job cancelled ──▶ (gone, nothing offered)
 * </pre>
 *
 * <p>Only called jobs take one of the worker's slots: a function that has answered is free for the next job while the
 * outcome is on its way to the database.
 */
final class InFlight {

    private enum Step {
        WAITING,
        CALLED,
        ANSWERED
    }

    /** One job. Mutable, and seen by the worker's context only. */
    static final class Entry {

        /** Without its payload once it has been called. */
        ClaimedJob job;

        long trustedUntilNanos;
        FunctionDispatcher.@Nullable Exchange exchange;
        /** Set when the lease is no longer the worker's: whatever the function answers, nothing is offered. */
        boolean lost;
        /** Set with {@link #lost} when the job was cancelled. */
        boolean cancelled;
        /** Set when the outcome has been offered: the job is no longer the worker's to give back. */
        boolean answered;

        private Step step = Step.WAITING;

        private Entry(ClaimedJob job, long trustedUntilNanos) {
            this.job = job;
            this.trustedUntilNanos = trustedUntilNanos;
        }
    }

    private final Map<Long, Entry> entries = new LinkedHashMap<>();
    private final Deque<Entry> waiting = new ArrayDeque<>();
    private int called;

    /**
     * Takes a job in. A job can be claimed again while its lost exchange is still being taken down; the newer attempt
     * then has the place.
     */
    Entry add(ClaimedJob job, long trustedUntilNanos) {
        Entry entry = new Entry(job, trustedUntilNanos);
        entries.put(job.attempt().jobId(), entry);
        waiting.addLast(entry);
        return entry;
    }

    /** Takes the job that waits longest for its call; it has a slot from now on. Null when none waits. */
    @Nullable
    Entry call() {
        Entry next = waiting.pollFirst();
        if (next != null) {
            next.step = Step.CALLED;
            called++;
        }
        return next;
    }

    /** Its function has answered, or cannot be called: the slot is free. */
    void answered(Entry entry) {
        switch (entry.step) {
            case WAITING -> waiting.remove(entry);
            case CALLED -> called--;
            case ANSWERED -> {}
        }
        entry.step = Step.ANSWERED;
    }

    /** Takes out all that have not been called. */
    List<Entry> removeWaiting() {
        List<Entry> all = List.copyOf(waiting);
        all.forEach(this::remove);
        return all;
    }

    @SuppressWarnings("ReferenceEquality") // This very entry, not another attempt of the same job.
    void remove(Entry entry) {
        answered(entry);
        entries.computeIfPresent(entry.job.attempt().jobId(), (id, held) -> held == entry ? null : held);
    }

    /** All whose lease is still believed in. */
    List<Entry> held() {
        return entries.values().stream().filter(entry -> !entry.lost).toList();
    }

    /** The job of that id, if its lease is still believed in. */
    Optional<Entry> holding(long jobId) {
        return Optional.ofNullable(entries.get(jobId)).filter(entry -> !entry.lost);
    }

    /** How many are being called. */
    int calling() {
        return called;
    }

    /** How many have not been called yet. */
    int waiting() {
        return waiting.size();
    }

    /** How many there are, those whose outcome is on its way included. */
    int size() {
        return entries.size();
    }
}
