package dev.postern.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What a run leaves: a table for people, JSON for programs, a plot. */
record Report(Figures figures, Map<String, String> machine, Instant at, Size size) {

    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    String table() {
        StringBuilder text = new StringBuilder("\n");
        machine.forEach((key, value) -> line(text, String.format(Locale.ROOT, "%-11s %s", key, value)));
        line(text, String.format(Locale.ROOT, "%-11s %s, %s", "size", at, size));
        String section = "";
        for (Figure figure : figures.all()) {
            if (!figure.section().equals(section)) {
                section = figure.section();
                line(text, "");
                line(text, row(section.toUpperCase(Locale.ROOT), "median", "", "turns", "target", ""));
            }
            line(
                    text,
                    row(
                            "  " + figure.name(),
                            figure.median(),
                            figure.unit(),
                            figure.spread(),
                            figure.target().map(Target::text).orElse(""),
                            figure.verdict()));
        }
        line(text, "");
        figures.notes().forEach(note -> line(text, "note: " + note));
        List<Figure> judged =
                figures.all().stream().filter(f -> f.target().isPresent()).toList();
        long met = judged.stream().filter(f -> f.verdict().equals("met")).count();
        line(text, met + " of " + judged.size() + " targets met");
        return text.toString();
    }

    private static String row(String name, String median, String unit, String turns, String target, String verdict) {
        return String.format(Locale.ROOT, "%-62s %9s %-10s %-17s %-18s %s", name, median, unit, turns, target, verdict)
                .stripTrailing();
    }

    private static void line(StringBuilder text, String line) {
        text.append(line).append(System.lineSeparator());
    }

    String json() {
        ObjectNode root = JSON.createObjectNode();
        root.put("at", at.toString());
        ObjectNode where = root.putObject("machine");
        machine.forEach(where::put);
        root.put("size", size.toString());
        ArrayNode list = root.putArray("figures");
        for (Figure figure : figures.all()) {
            ObjectNode node = list.addObject();
            node.put("section", figure.section());
            node.put("name", figure.name());
            node.put("unit", figure.unit());
            node.put("median", figure.values().median());
            ArrayNode turns = node.putArray("turns");
            figure.values().turns().forEach(turns::add);
            figure.target().ifPresent(target -> {
                node.put("target", target.text());
                node.put("met", target.met(figure.values().median()));
                node.put("missedBy", target.missedBy(figure.values().median()));
            });
        }
        ArrayNode notes = root.putArray("notes");
        figures.notes().forEach(notes::add);
        try {
            return JSON.writeValueAsString(root);
        } catch (JsonProcessingException e) {
            throw new BenchException("cannot write the results as JSON", e);
        }
    }

    /** Writes them beside each other, under names that the next run overwrites. */
    List<Path> write(Path directory) {
        return List.of(
                write(directory.resolve("results.txt"), table()),
                write(directory.resolve("results.json"), json() + "\n"),
                write(directory.resolve("results.svg"), Plot.of(figures.all())));
    }

    private static Path write(Path file, String text) {
        try {
            return Files.writeString(file, text);
        } catch (IOException e) {
            throw new BenchException("cannot write " + file, e);
        }
    }
}
