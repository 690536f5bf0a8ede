package dev.postern.bench;

/** A part of a run; each stands for itself, so that one can be measured alone. */
interface Part {

    /** How {@code --only} names it. */
    String name();

    /** Measures, and adds what it found. */
    void run(Lab lab, Size size, Figures figures) throws InterruptedException;
}
