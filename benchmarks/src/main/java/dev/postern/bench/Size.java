package dev.postern.bench;

/**
 * How much is measured.
 *
 * @param turns how often each contender has its turn
 * @param repeats how often Postern is measured where it is compared with itself
 * @param backlog jobs of a drain
 * @param warmUp jobs before that are not measured; of the third 50,000 our worker's processor time was 0.07 to 0.08 s per
 *     1,000, of the second 0.10 to 0.13, of the first 0.42
 * @param seconds of one turn of a load that goes by time
 * @param idleJobs of one turn of the idle latency
 * @param deepBacklog the deepest backlog
 * @param future rows that are due tomorrow, beside which claims are measured
 * @param dead letters there
 * @param soakMinutes how long the soak lasts
 * @param slowPeers whether also those peers have their turns that are several times slower
 */
record Size(
        int turns,
        int repeats,
        int backlog,
        int warmUp,
        int seconds,
        int idleJobs,
        int deepBacklog,
        int future,
        int dead,
        int soakMinutes,
        boolean slowPeers) {

    /** About an hour. */
    static Size full(int turns) {
        return new Size(turns, turns, 100_000, 100_000, 20, 300, 1_000_000, 1_000_000, 100_000, 60, true);
    }

    /** At most three minutes on two slow cores, with one turn; smaller backlogs, more noise. */
    static Size quick(int turns) {
        return new Size(turns, 3, 30_000, 40_000, 5, 100, 100_000, 100_000, 10_000, 2, false);
    }
}
