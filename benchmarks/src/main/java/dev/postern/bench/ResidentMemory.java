package dev.postern.bench;

import java.util.ArrayList;
import java.util.List;

/** Resident memory of a process over the time of a part: does it stay where it is? */
final class ResidentMemory {

    private final long pid;
    private final double started;
    private final List<Double> looks = new ArrayList<>();

    /** Of a process that has started and done nothing yet. */
    ResidentMemory(Child process) {
        this.pid = process.pid();
        this.started = Proc.residentMb(pid);
    }

    void look() {
        looks.add(Proc.residentMb(pid));
    }

    /** Megabytes at the beginning. */
    double started() {
        return started;
    }

    /** Megabytes of the largest look. */
    double most() {
        return most(looks);
    }

    /** The most of the first third of the looks beside that of the last. */
    void report(Figures figures, String section) {
        int third = Math.max(1, looks.size() / 3);
        double early = most(looks.subList(0, third));
        double late = most(looks.subList(looks.size() - third, looks.size()));
        figures.add(section, "resident memory, started", "MB", Series.of(started));
        figures.add(section, "resident memory, most of the first third", "MB", Series.of(early));
        figures.add(section, "resident memory, most of the last third", "MB", Series.of(late));
        figures.add(section, "last third / first third", "×", Series.of(late / early), Target.atMost(1.1));
    }

    private static double most(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).max().orElse(0);
    }
}
