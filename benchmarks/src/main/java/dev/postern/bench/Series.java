package dev.postern.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** One figure, measured once a turn. */
record Series(List<Double> turns) {

    Series {
        if (turns.isEmpty()) {
            throw new IllegalArgumentException("a figure needs at least one turn");
        }
        turns = List.copyOf(turns);
    }

    static Series of(double... turns) {
        return new Series(Arrays.stream(turns).boxed().toList());
    }

    /** The middle one; of an even number the mean of the two in the middle. */
    double median() {
        List<Double> sorted = turns.stream().sorted().toList();
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }

    double min() {
        return turns.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
    }

    double max() {
        return turns.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
    }

    /**
     * This over the other, turn by turn: what slows the machine down for a minute slows both. Turns that only one of
     * them had are left out.
     */
    Series over(Series other) {
        List<Double> ratios = new ArrayList<>();
        for (int i = 0; i < Math.min(turns.size(), other.turns.size()); i++) {
            ratios.add(turns.get(i) / other.turns.get(i));
        }
        return new Series(ratios);
    }

    /** What two steps allow that each item takes one after the other: 1 / (1/this + 1/other), turn by turn. */
    Series after(Series other) {
        List<Double> both = new ArrayList<>();
        for (int i = 0; i < Math.min(turns.size(), other.turns.size()); i++) {
            both.add(1 / (1 / turns.get(i) + 1 / other.turns.get(i)));
        }
        return new Series(both);
    }
}
