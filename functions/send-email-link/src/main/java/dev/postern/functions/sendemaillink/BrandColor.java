package dev.postern.functions.sendemaillink;

import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The colour of the button, and a text colour that can be read on it.
 *
 * @param fill {@code #rrggbb}
 */
record BrandColor(String fill) {

    private static final Pattern HEX = Pattern.compile("#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})");
    private static final BrandColor NEUTRAL = new BrandColor("#2b3a45");

    /** Above this the fill is light. Where white and near-black text are equally readable (WCAG 2, contrast 4.6). */
    private static final double LIGHT = 0.18;

    /** A theme's colour; a neutral one where the theme has none that every mail client understands. */
    static BrandColor of(@Nullable String css) {
        if (css == null || !HEX.matcher(css).matches()) {
            return NEUTRAL;
        }
        if (css.length() == 7) {
            return new BrandColor(css);
        }
        StringBuilder full = new StringBuilder("#");
        css.chars().skip(1).forEach(digit -> full.append((char) digit).append((char) digit));
        return new BrandColor(full.toString());
    }

    String text() {
        return luminance() > LIGHT ? "#10151a" : "#ffffff";
    }

    private double luminance() {
        return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
    }

    private double channel(int at) {
        double value = Integer.parseInt(fill.substring(at, at + 2), 16) / 255.0;
        return value <= 0.03928 ? value / 12.92 : Math.pow((value + 0.055) / 1.055, 2.4);
    }
}
