package dev.postern.functions.runtime;

import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ties a process to the one that started it ({@code POSTERN_PARENT_PID}): a launcher that is killed cannot stop its
 * children, so they watch it. The process's start time is part of the handle, so a reused number does not fool it.
 */
public final class ParentProcess {

    private static final Logger LOG = LoggerFactory.getLogger(ParentProcess.class);

    private final int pid;

    private ParentProcess(int pid) {
        this.pid = pid;
    }

    /** Reads the setting; 0 and absence mean that nobody is watched. */
    public static ParentProcess from(Settings settings) {
        return new ParentProcess(settings.number("POSTERN_PARENT_PID", 0, 0, Integer.MAX_VALUE));
    }

    /** Runs {@code action} once, on a thread of the JDK's, when the parent has ended or is not there to begin with. */
    public void onExit(Runnable action) {
        if (pid == 0) {
            return;
        }
        Runnable told = () -> {
            LOG.atInfo().addKeyValue("pid", pid).log("the process that started this one has ended; stopping");
            action.run();
        };
        Optional<ProcessHandle> parent = ProcessHandle.of(pid);
        if (parent.isEmpty()) {
            told.run();
            return;
        }
        parent.get().onExit().thenRun(told).exceptionally(e -> {
            LOG.warn("cannot watch the process that started this one", e);
            return null;
        });
    }
}
