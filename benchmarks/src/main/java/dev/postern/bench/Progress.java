package dev.postern.bench;

import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Locale;

/** One line that says what happens now: rewritten on a terminal, a line each elsewhere. */
final class Progress {

    private final PrintStream out;
    private final boolean terminal;
    private final InstantSource clock;
    private final Instant began;
    private String step = "";

    Progress(PrintStream out, boolean terminal, InstantSource clock) {
        this.out = out;
        this.terminal = terminal;
        this.clock = clock;
        this.began = clock.instant();
    }

    /** Which part of how many runs from now on. */
    void step(int number, int of, String name) {
        step = "[" + number + "/" + of + "] " + name;
        say("");
    }

    void say(String what) {
        String line = elapsed() + " " + step + (what.isEmpty() || step.isEmpty() ? "" : ": ") + what;
        if (terminal) {
            out.print("\r\033[K" + line);
            out.flush();
        } else {
            out.println(line);
        }
    }

    /** Leaves the terminal as it was. */
    void end() {
        if (terminal) {
            out.print("\r\033[K");
            out.flush();
        }
    }

    private String elapsed() {
        long seconds = Duration.between(began, clock.instant()).toSeconds();
        return String.format(Locale.ROOT, "%2d:%02d", seconds / 60, seconds % 60);
    }
}
