package dev.postern.worker;

import dev.postern.sql.ClaimedJob;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The jobs whose leases this worker holds. Belongs to the worker's context.
 *
 * <pre>
 *   claimed ──▶ dispatched ──▶ answered ──▶ outcome offered ──▶ (gone)
 *                   │                            lease is renewed until here
 *                   └──▶ lease lost, job cancelled ──▶ aborted ──▶ (gone, nothing offered)
 * </pre>
 */
final class InFlight {

    /** One job. Mutable, and seen by the worker's context only. */
    static final class Entry {

        final ClaimedJob job;
        long trustedUntilNanos;
        FunctionDispatcher.@Nullable Exchange exchange;
        /** Set when the lease is no longer the worker's: whatever the function answers, nothing is offered. */
        boolean lost;
        /** Set with {@link #lost} when the job was cancelled. */
        boolean cancelled;
        /** Set when the outcome has been offered: the job is no longer the worker's to give back. */
        boolean answered;

        private Entry(ClaimedJob job, long trustedUntilNanos) {
            this.job = job;
            this.trustedUntilNanos = trustedUntilNanos;
        }
    }

    private final Map<Long, Entry> entries = new LinkedHashMap<>();

    /**
     * Takes a job in. A job can be claimed again while its lost exchange is still being taken down; the newer attempt
     * then has the place.
     */
    Entry add(ClaimedJob job, long trustedUntilNanos) {
        Entry entry = new Entry(job, trustedUntilNanos);
        entries.put(job.attempt().jobId(), entry);
        return entry;
    }

    @SuppressWarnings("ReferenceEquality") // This very entry, not another attempt of the same job.
    void remove(Entry entry) {
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

    int size() {
        return entries.size();
    }
}
