package dev.postern.chaos;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Takes events from all threads and keeps them until the end. */
final class Recorder {

    private final Queue<Event> events = new ConcurrentLinkedQueue<>();

    void saw(Event event) {
        events.add(event);
    }

    /** What was seen so far, with what the database says. */
    History history(List<Event.Journalled> journal, List<Left> left) {
        return new History(
                of(Event.Added.class),
                of(Event.Cancelled.class),
                of(Event.Dispatched.class),
                of(Event.Answered.class),
                of(Event.HungUp.class),
                of(Event.Reported.class),
                of(Event.Fault.class),
                journal,
                left);
    }

    /** How many events of a kind there are. */
    long count(Class<? extends Event> kind) {
        return events.stream().filter(kind::isInstance).count();
    }

    private <T extends Event> List<T> of(Class<T> kind) {
        return events.stream().filter(kind::isInstance).map(kind::cast).toList();
    }

    /** Writes a history for people, in the order of its times. */
    static void write(History history, Path file) {
        try (BufferedWriter out = Files.newBufferedWriter(file)) {
            List<Event> ordered =
                    history.events().sorted(Comparator.comparing(Event::at)).toList();
            for (Event event : ordered) {
                out.write(event.at() + (event.job() == 0 ? " " : " job " + event.job() + ": ") + event.line());
                out.newLine();
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write the history to " + file, e);
        }
    }
}
