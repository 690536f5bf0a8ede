package dev.postern.chaos;

/** What a history must keep; docs/reliability.md says how each is read off it. */
enum Rule {
    R1("never lost"),
    R2("one accepted outcome per attempt"),
    R3("accepted only under the current lease token"),
    R4("nothing accepted after cancelled"),
    R5("attempts count up and never repeat with another token"),
    R6("at the end every job has ended or is a dead letter, and no lease is left"),
    R7("one job of a queue at a time, in order"),
    EXPLAINED("a job is dispatched again only for a known cause"),
    GRACE("every exit inside its grace period");

    final String words;

    Rule(String words) {
        this.words = words;
    }
}
