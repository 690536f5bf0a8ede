package dev.postern.api;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How long a regular expression is when its counted repetitions are written out; never less than it is, mostly exact. */
final class PatternSize {

    private static final Pattern COUNT = Pattern.compile("\\{(\\d{1,9})(?:,(\\d{0,9}))?}");

    /** Far above what anybody accepts, far below an overflow. */
    private static final long ENOUGH = 1L << 30;

    private final String pattern;
    private final Deque<Long> outside = new ArrayDeque<>();
    /** Of the group at hand, without its last part. */
    private long before;

    private long last;

    private PatternSize(String pattern) {
        this.pattern = pattern;
    }

    static long of(String pattern) {
        return new PatternSize(pattern).size();
    }

    private long size() {
        Matcher count = COUNT.matcher(pattern);
        for (int i = 0; i < pattern.length(); i++) {
            switch (pattern.charAt(i)) {
                case '\\' -> {
                    part(1);
                    i++;
                }
                case '[' -> {
                    part(1);
                    i = endOfClass(i);
                }
                case '(' -> {
                    outside.push(before + last);
                    before = 0;
                    last = 0;
                }
                case ')' -> {
                    last = before + last + 1;
                    before = outside.isEmpty() ? 0 : outside.pop();
                }
                case '{' -> {
                    if (count.region(i, pattern.length()).lookingAt()) {
                        last = Math.min(ENOUGH, last * most(count));
                        i = count.end() - 1;
                    } else {
                        part(1);
                    }
                }
                default -> part(1);
            }
            before = Math.min(ENOUGH, before);
        }
        long size = before + last;
        for (long group : outside) {
            size += group;
        }
        return size;
    }

    private void part(long size) {
        before += last;
        last = size;
    }

    private static long most(Matcher count) {
        String upper = count.group(2);
        return Math.max(1, Long.parseLong(upper == null || upper.isEmpty() ? count.group(1) : upper) + 1);
    }

    private int endOfClass(int begin) {
        for (int i = begin + 2; i < pattern.length(); i++) {
            if (pattern.charAt(i) == '\\') {
                i++;
            } else if (pattern.charAt(i) == ']') {
                return i;
            }
        }
        return pattern.length();
    }
}
