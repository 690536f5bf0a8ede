package dev.postern.service.cli;

/** Text of others for a terminal: in one line, and without what would steer it. */
final class OneLine {

    private OneLine() {}

    static String of(String text) {
        return text.replaceAll("\\s+", " ").replaceAll("\\p{C}", "?").strip();
    }

    /** The beginning, where it is longer than so many characters. */
    static String of(String text, int most) {
        String line = of(text);
        int end = line.offsetByCodePoints(0, Math.min(most, line.codePointCount(0, line.length())));
        return end == line.length() ? line : line.substring(0, end) + " ...";
    }
}
