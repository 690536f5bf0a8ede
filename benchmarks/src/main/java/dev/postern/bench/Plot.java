package dev.postern.bench;

import java.util.List;
import java.util.Locale;

/** Bars of everything that is counted a second, or takes milliseconds, with a line from the lowest to the highest turn. */
final class Plot {

    private static final int LABEL = 330;
    private static final int BAR = 520;
    private static final int ROW = 20;
    private static final int RIGHT = 110;

    private Plot() {}

    static String of(List<Figure> figures) {
        StringBuilder body = new StringBuilder();
        int y = 10;
        String group = "";
        double scale = 1;
        for (Figure figure : figures) {
            if (!shown(figure)) {
                continue;
            }
            if (!group.equals(figure.section() + figure.unit())) {
                group = figure.section() + figure.unit();
                scale = figures.stream()
                        .filter(f ->
                                f.section().equals(figure.section()) && f.unit().equals(figure.unit()))
                        .mapToDouble(f -> f.values().max())
                        .max()
                        .orElse(1);
                y += 16;
                body.append(String.format(
                        Locale.ROOT,
                        "<text x=\"4\" y=\"%d\" font-weight=\"bold\">%s, %s</text>%n",
                        y + 14,
                        escaped(figure.section()),
                        escaped(figure.unit())));
                y += ROW + 4;
            }
            double median = BAR * figure.values().median() / scale;
            double low = LABEL + BAR * figure.values().min() / scale;
            double high = LABEL + BAR * figure.values().max() / scale;
            body.append(String.format(
                    Locale.ROOT,
                    "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>%n",
                    LABEL - 8,
                    y + 14,
                    escaped(figure.name())));
            body.append(String.format(
                    Locale.ROOT,
                    "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>%n",
                    LABEL,
                    y + 3,
                    median,
                    ROW - 6,
                    figure.name().startsWith("Postern") ? "#2a6fb0" : "#9aa5b1"));
            body.append(String.format(
                    Locale.ROOT,
                    "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#222\" stroke-width=\"1.5\"/>%n",
                    low,
                    y + ROW / 2,
                    high,
                    y + ROW / 2));
            body.append(String.format(
                    Locale.ROOT,
                    "<text x=\"%.1f\" y=\"%d\">%s</text>%n",
                    Math.max(LABEL + median, high) + 6,
                    y + 14,
                    figure.median()));
            y += ROW;
        }
        int width = LABEL + BAR + RIGHT;
        return String.format(
                        Locale.ROOT,
                        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\""
                                + " font-family=\"sans-serif\" font-size=\"12\">%n",
                        width,
                        y + 16,
                        width,
                        y + 16)
                + "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n" + body + "</svg>\n";
    }

    private static boolean shown(Figure figure) {
        return figure.unit().endsWith("/s") || figure.unit().equals("ms");
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;");
    }
}
