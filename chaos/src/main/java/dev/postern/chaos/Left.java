package dev.postern.chaos;

/**
 * A row that was there at the end of the run.
 *
 * @param state as job_state or the history calls it
 * @param offer number in the kept result; 0 for none
 */
record Left(long job, String state, boolean leased, long offer) {

    boolean ended() {
        return state.equals("succeeded") || state.equals("cancelled") || state.equals("dead");
    }
}
