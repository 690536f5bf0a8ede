package dev.postern.charts;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** docker or podman, by its command line: containers on the host's network, gone when closed. */
final class ContainerEngine implements AutoCloseable {

    /** What a command did. */
    record Ran(int exit, String output) {}

    private static final Path CHECKOUT = Path.of("..").toAbsolutePath().normalize();
    private static final long PATIENCE_MINUTES = 9;

    private final String program;
    private final Deque<String> started = new ArrayDeque<>();

    private ContainerEngine(String program) {
        this.program = program;
    }

    /** The first that answers. A docker client without its server does not. */
    static Optional<ContainerEngine> answering() {
        for (String program : List.of("docker", "podman")) {
            try {
                if (run(List.of(program, "version")).exit() == 0) {
                    return Optional.of(new ContainerEngine(program));
                }
            } catch (IOException e) {
                // Not installed; the other one may be.
            }
        }
        return Optional.empty();
    }

    String name() {
        return program;
    }

    /** Whether an image is here, or a registry has it. */
    boolean has(String image) throws IOException {
        return ask("image", "inspect", image).exit() == 0
                || ask("pull", "--quiet", image).exit() == 0;
    }

    /** Builds images of the checkout as {@code ./postern image} does. */
    Ran buildImages(String tag, String... names) throws IOException {
        List<String> command =
                new ArrayList<>(List.of(CHECKOUT.resolve(".ci/image").toString(), "--with", program, "--tag", tag));
        command.addAll(List.of(names));
        return run(command);
    }

    /**
     * Starts a container.
     *
     * @param options and then the image and its arguments
     * @return its id
     */
    String start(String... options) throws IOException {
        List<String> command = new ArrayList<>(List.of("run", "--detach", "--network", "host"));
        command.addAll(List.of(options));
        Ran ran = ask(command.toArray(String[]::new));
        if (ran.exit() != 0) {
            throw new AssertionError("cannot start " + command + ":\n" + ran.output());
        }
        String id = ran.output().strip().lines().reduce("", (earlier, later) -> later);
        started.push(id);
        return id;
    }

    /** Runs a command of the engine. */
    Ran ask(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(program));
        command.addAll(List.of(arguments));
        return run(command);
    }

    private static Ran run(List<String> command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (!process.waitFor(PATIENCE_MINUTES, TimeUnit.MINUTES)) {
                process.destroyForcibly();
                throw new AssertionError(command + " does not end:\n" + output);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
        return new Ran(process.exitValue(), output);
    }

    /** Removes what was started, the last first, with its volumes. */
    @Override
    public void close() throws IOException {
        for (String id : started) {
            ask("rm", "--force", "--volumes", id);
        }
    }
}
