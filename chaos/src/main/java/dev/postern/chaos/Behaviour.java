package dev.postern.chaos;

import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;

/** What the function server does with a call. The number says how often, out of all numbers together. */
enum Behaviour {
    ANSWER_200(280),
    ANSWER_200_WITH_RESULT(180),
    ANSWER_200_WITH_FOLLOW_UPS(40),
    ANSWER_500(60),
    ANSWER_404(20),
    ANSWER_422(20),
    ANSWER_429(25),
    ANSWER_503(15),
    ANSWER_503_WITH_RETRY_AFTER(15),
    /** As something that stands before the function would: without the job's id. */
    ANSWER_503_OF_A_STRANGER(15),
    ASK_FOR_NEVER(10),
    ASK_FOR_LATER(20),
    RESET(25),
    BREAK_OFF_THE_ANSWER(10),
    ANSWER_GARBAGE(10),
    HANG(12),
    ANSWER_SLOWLY(50),
    /** Answers slowly, and reports by callback when it hears its connection close. */
    ANSWER_SLOWLY_OR_REPORT(25),
    CALL_BACK(70),
    CALL_BACK_TWICE(15),
    CALL_BACK_AND_CONTRADICT(10),
    CALL_BACK_WITH_FOLLOW_UPS(15),
    CALL_BACK_AFTER_SIGNS_OF_LIFE(20),
    CALL_BACK_FAILURE(15),
    CALL_BACK_LATE(8),
    CALL_BACK_NEVER(4),
    CALL_BACK_BEFORE_THE_ANSWER(20),
    CALL_BACK_FAILURE_BEFORE_200(8),
    ANSWER_200_AND_CALL_BACK(30);

    private static final int ALL =
            Arrays.stream(values()).mapToInt(behaviour -> behaviour.weight).sum();

    private final int weight;

    Behaviour(int weight) {
        this.weight = weight;
    }

    /** One of all, as the seed says for this call of this job. */
    static Behaviour drawn(SplittableRandom random) {
        int place = random.nextInt(ALL);
        for (Behaviour behaviour : values()) {
            place -= behaviour.weight;
            if (place < 0) {
                return behaviour;
            }
        }
        throw new IllegalStateException("weights do not add up");
    }

    /** Whether a callback is owed that may not come in time. */
    boolean lateOrNever() {
        return this == CALL_BACK_LATE || this == CALL_BACK_NEVER;
    }

    String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
}
