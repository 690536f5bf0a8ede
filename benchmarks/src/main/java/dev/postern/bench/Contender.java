package dev.postern.bench;

/** A queue that calls the function for each of its jobs. */
interface Contender {

    String name();

    /** A new database with its schema. */
    Database prepare() throws InterruptedException;

    /** A worker process that is ready to take jobs. */
    Child start(Database database) throws InterruptedException;

    /** Adds jobs to be done at once, as fast as its interface allows; {@code n} in their payload counts from first. */
    void enqueue(Database database, int first, int jobs) throws InterruptedException;

    /** A condition in SQL: whether a job has no outcome yet. Looked at only once all were called. */
    String unfinished();

    /** How many of the jobs that were asked for it is given: all, unless it would take minutes. */
    default int backlog(int asked) {
        return asked;
    }
}
