package dev.postern.chaos;

import java.util.List;
import java.util.stream.Stream;

/** All that was seen of a run. The journal is in the order of its numbers; the other lists are in no order. */
record History(
        List<Event.Added> added,
        List<Event.Cancelled> cancelled,
        List<Event.Dispatched> dispatched,
        List<Event.Answered> answered,
        List<Event.HungUp> hungUp,
        List<Event.Reported> reported,
        List<Event.Fault> faults,
        List<Event.Journalled> journal,
        List<Left> left) {

    /** Copies what it is given. */
    History {
        added = List.copyOf(added);
        cancelled = List.copyOf(cancelled);
        dispatched = List.copyOf(dispatched);
        answered = List.copyOf(answered);
        hungUp = List.copyOf(hungUp);
        reported = List.copyOf(reported);
        faults = List.copyOf(faults);
        journal = List.copyOf(journal);
        left = List.copyOf(left);
    }

    Stream<Event> events() {
        return Stream.of(added, cancelled, dispatched, answered, hungUp, reported, faults, journal)
                .flatMap(List::stream);
    }
}
