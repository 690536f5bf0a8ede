package dev.postern.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What the kernel says of a process in {@code /proc}. */
final class Proc {

    /** What Linux tells programs since ever, whatever its own tick is. */
    private static final double TICKS_A_SECOND = 100;

    private Proc() {}

    /** Seconds of processor time of a process so far, without its children's. */
    static double cpuSeconds(long pid) {
        return ticks(stat(pid), 2) / TICKS_A_SECOND;
    }

    /** Of a process, its children that have ended, and those that live: a Postgres as a whole. */
    static double cpuSecondsOfAll(long pid) {
        double own = ticks(stat(pid), 4) / TICKS_A_SECOND;
        return own
                + ProcessHandle.of(pid).stream()
                        .flatMap(ProcessHandle::children)
                        .mapToDouble(child -> childSeconds(child.pid()))
                        .sum();
    }

    private static double childSeconds(long pid) {
        try {
            return cpuSeconds(pid);
        } catch (BenchException e) {
            // Ended meanwhile; its parent has its time.
            return 0;
        }
    }

    /** Resident memory in MB (2^20 bytes). */
    static double residentMb(long pid) {
        for (String line : lines(pid, "status")) {
            if (line.startsWith("VmRSS:")) {
                return Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024.0;
            }
        }
        throw new BenchException("process " + pid + " has no resident memory: it has ended");
    }

    /** utime and stime stand at 14 and 15, cutime and cstime behind them; the name at 2 may hold blanks. */
    static long ticks(String stat, int fields) {
        String[] afterName = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        long sum = 0;
        for (int i = 0; i < fields; i++) {
            sum += Long.parseLong(afterName[11 + i]);
        }
        return sum;
    }

    private static String stat(long pid) {
        return lines(pid, "stat").getFirst();
    }

    private static List<String> lines(long pid, String file) {
        try {
            return Files.readAllLines(Path.of("/proc", Long.toString(pid), file));
        } catch (IOException e) {
            throw new BenchException("cannot read /proc/" + pid + "/" + file + ": process " + pid + " has ended", e);
        }
    }
}
