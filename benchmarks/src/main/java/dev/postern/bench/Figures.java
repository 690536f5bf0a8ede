package dev.postern.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What a run has found so far. Of the main thread. */
final class Figures {

    private final List<Figure> figures = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();

    void add(String section, String name, String unit, Series values) {
        figures.add(new Figure(section, name, unit, values, Optional.empty()));
    }

    void add(String section, String name, String unit, Series values, Target target) {
        figures.add(new Figure(section, name, unit, values, Optional.of(target)));
    }

    /** What was left out and why, or is to be known when reading. */
    void note(String text) {
        notes.add(text);
    }

    List<Figure> all() {
        return List.copyOf(figures);
    }

    List<String> notes() {
        return List.copyOf(notes);
    }
}
