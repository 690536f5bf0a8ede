package dev.postern.worker;

import dev.postern.sql.WorkerReport.Breaker;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Spares one target: how many calls it gets at once, and whether it gets any. Times are milliseconds of one clock that
 * never runs backwards, given with each call.
 *
 * <pre>
 *              at least half of at least 20 calls in 30 s failed
 *   closed ──────────────────────────────────────────────────────▶ open ◀──────────────┐
 *     ▲                                                             │ cool-down over    │ it failed:
 *     │                                                             ▼                   │ open for longer
 *     └───────────── its one call was answered ──────────────── half-open ──────────────┘
 * </pre>
 *
 * <p>The limit is halved by strain and grows by one for each round of as many answers as it is (additive increase,
 * multiplicative decrease, as TCP does it). Calls that were under way at a cut say nothing new and neither cut again nor
 * grow it. A pause lies over all of this: until it ends no call begins, whatever the state.
 */
final class TargetGuard {

    /** Below so many calls a ratio is noise. */
    static final int CALLS_MIN = 20;

    /** Half of it, at least, is waited: a function that crashed needs some seconds to be there again. */
    private static final long COOL_DOWN_FIRST_MS = 5_000;

    /** One call a minute is a price that anything can pay, and a minute is what people wait after a repair. */
    private static final long COOL_DOWN_MAX_MS = 60_000;

    /** A target that stayed closed for so long is no longer the one that just broke down. */
    private static final long FORGIVEN_MS = 30_000;

    private static final int WHY_LENGTH = 200;
    private static final long NONE = -1;

    /** What the end of a call changed. */
    enum Change {
        /** Nothing that people need to hear of. */
        NONE,
        /** The breaker opened, or opened again. */
        OPENED,
        /** The breaker closed. */
        CLOSED,
        /** A pause began, or became longer. */
        PAUSED
    }

    private final int slots;
    private final RandomGenerator random;
    private final RecentCalls recent = new RecentCalls();

    private boolean open;
    private long openUntil;
    private int openings;
    private long closedAt = -FORGIVEN_MS;
    private long pausedUntil;
    private int limit;
    private int answersInRound;
    private int inFlight;
    private long calls;
    /** The last call that had begun when the limit was cut. */
    private long cutAfter;
    /** The last call that had begun when the breaker closed. */
    private long closedAfter;
    /** The call that a half-open breaker let through. */
    private long probe = NONE;

    private int callsWhenOpened;
    private int failuresWhenOpened;
    private @Nullable String why;

    /**
     * A target about which nothing bad is known.
     *
     * @param slots the worker's own limit, which is where this one starts and ends
     */
    TargetGuard(int slots, RandomGenerator random) {
        this.slots = slots;
        this.limit = slots;
        this.random = random;
    }

    Breaker breaker(long now) {
        if (!open) {
            return Breaker.CLOSED;
        }
        return now < openUntil ? Breaker.OPEN : Breaker.HALF_OPEN;
    }

    /** Whether it gets fewer calls than the worker could send. */
    boolean restricted(long now) {
        return open || limit < slots || now < pausedUntil;
    }

    /** How many more calls may begin now. */
    int allowance(long now) {
        if (now < pausedUntil) {
            return 0;
        }
        return switch (breaker(now)) {
            case OPEN -> 0;
            case HALF_OPEN -> probe == NONE ? 1 : 0;
            case CLOSED -> Math.max(0, limit - inFlight);
        };
    }

    /**
     * Begins a call and answers its number; empty when the breaker or a pause forbids it. The limit does not: it decides
     * what is claimed, and sending what was claimed a moment before a cut is cheaper than giving it back.
     */
    OptionalLong begin(long now) {
        if (now < pausedUntil || (open && (now < openUntil || probe != NONE))) {
            return OptionalLong.empty();
        }
        inFlight++;
        calls++;
        if (open) {
            probe = calls;
        }
        return OptionalLong.of(calls);
    }

    /** Ends the call of that number; an empty sign says nothing about the target. */
    Change end(long call, Optional<TargetSign> sign, long now) {
        inFlight--;
        boolean decides = call == probe;
        if (decides) {
            probe = NONE;
        }
        if (sign.isEmpty()) {
            return Change.NONE;
        }
        if (decides) {
            // One call is no load: how it ends says nothing about the limit.
            Change moved = failure(sign.get()) ? open(sign.get(), now) : close(now);
            if (sign.get() instanceof TargetSign.Busy busy && pause(busy.pause(), now) == Change.PAUSED) {
                return Change.PAUSED;
            }
            return moved;
        }
        Change paused = adapt(call, sign.get(), now);
        Change moved = !open && call > closedAfter ? count(sign.get(), now) : Change.NONE;
        return moved == Change.NONE ? paused : moved;
    }

    private Change adapt(long call, TargetSign sign, long now) {
        return switch (sign) {
            case TargetSign.Healthy s -> {
                grow(call);
                yield Change.NONE;
            }
            case TargetSign.Failing s -> Change.NONE;
            case TargetSign.Strained s -> {
                cut(call);
                yield Change.NONE;
            }
            case TargetSign.Busy s -> {
                cut(call);
                yield pause(s.pause(), now);
            }
        };
    }

    private void grow(long call) {
        if (limit < slots && call > cutAfter && ++answersInRound >= limit) {
            limit++;
            answersInRound = 0;
        }
    }

    private void cut(long call) {
        if (call > cutAfter) {
            limit = Math.max(1, limit / 2);
            cutAfter = calls;
            answersInRound = 0;
        }
    }

    // Those that a burst sent away at once name about the same moment: only the first is news.
    private Change pause(Duration pause, long now) {
        boolean news = now >= pausedUntil && !pause.isZero();
        pausedUntil = Math.max(pausedUntil, now + pause.toMillis());
        return news ? Change.PAUSED : Change.NONE;
    }

    private Change count(TargetSign sign, long now) {
        if (sign instanceof TargetSign.Busy) {
            return Change.NONE;
        }
        recent.add(failure(sign), now);
        if (!failure(sign) || recent.calls(now) < CALLS_MIN || recent.failures(now) * 2 < recent.calls(now)) {
            return Change.NONE;
        }
        callsWhenOpened = recent.calls(now);
        failuresWhenOpened = recent.failures(now);
        if (now - closedAt >= FORGIVEN_MS) {
            openings = 0;
        }
        return open(sign, now);
    }

    private Change open(TargetSign sign, long now) {
        open = true;
        why = why(sign);
        // Between half and the whole of a cool-down that doubles, so that many workers do not come back at once.
        long whole = Math.min(COOL_DOWN_MAX_MS, COOL_DOWN_FIRST_MS << Math.min(openings, 10));
        openings++;
        openUntil = now + whole / 2 + random.nextLong(whole / 2 + 1);
        return Change.OPENED;
    }

    private Change close(long now) {
        open = false;
        closedAt = now;
        closedAfter = calls;
        recent.clear();
        callsWhenOpened = 0;
        failuresWhenOpened = 0;
        why = null;
        return Change.CLOSED;
    }

    private static boolean failure(TargetSign sign) {
        return sign instanceof TargetSign.Failing || sign instanceof TargetSign.Strained;
    }

    private static String why(TargetSign sign) {
        String words = switch (sign) {
            case TargetSign.Failing s -> s.why();
            case TargetSign.Strained s -> s.why();
            case TargetSign.Healthy s -> "";
            case TargetSign.Busy s -> "";
        };
        return words.length() <= WHY_LENGTH ? words : words.substring(0, WHY_LENGTH);
    }

    /** How long until a pause or a cool-down ends; zero when none runs. */
    Duration until(long now) {
        return Duration.ofMillis(
                Math.max(pausedFor(now).toMillis(), openFor(now).toMillis()));
    }

    Duration pausedFor(long now) {
        return Duration.ofMillis(Math.max(0, pausedUntil - now));
    }

    Duration openFor(long now) {
        return open ? Duration.ofMillis(Math.max(0, openUntil - now)) : Duration.ZERO;
    }

    int limit() {
        return limit;
    }

    int inFlight() {
        return inFlight;
    }

    /** How many calls were looked at when the breaker left closed; 0 while it is closed. */
    int callsWhenOpened() {
        return callsWhenOpened;
    }

    /** How many of those had failed. */
    int failuresWhenOpened() {
        return failuresWhenOpened;
    }

    /** How the call failed that opened the breaker last; null while it is closed. */
    @Nullable
    String why() {
        return why;
    }
}
