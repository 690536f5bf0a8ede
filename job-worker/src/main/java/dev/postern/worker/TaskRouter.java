package dev.postern.worker;

import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Which URL a task's jobs go to: the task's own URL where one is given, else the default, which is either a base that the
 * task is appended to or a template with {@code {task}} in it. Immutable; any thread may use it.
 */
public final class TaskRouter {

    private static final String TASK = "{task}";

    private final Map<String, URI> own;
    private final Optional<String> fallback;

    /**
     * Refuses URLs that are not absolute http or https.
     *
     * @param own URLs by task identifier
     * @param fallback base or template for all other tasks; empty when there is none
     */
    public TaskRouter(Map<String, String> own, Optional<String> fallback) {
        Map<String, URI> urls = new HashMap<>();
        own.forEach((task, url) -> urls.put(task, checked(url)));
        this.own = Map.copyOf(urls);
        this.fallback = fallback.map(base -> {
            String template = base.contains(TASK) ? base : base.replaceAll("/+$", "") + "/" + TASK;
            checked(template.replace(TASK, "task"));
            return template;
        });
    }

    /** The URL for a task, or empty when nothing says where it lives. */
    public Optional<URI> route(String task) {
        URI mapped = own.get(task);
        if (mapped != null) {
            return Optional.of(mapped);
        }
        return fallback.map(template -> URI.create(template.replace(TASK, segment(task))));
    }

    private static String segment(String task) {
        return URLEncoder.encode(task, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private static URI checked(String url) {
        URI uri;
        try {
            uri = URI.create(url);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("not a URL: '" + url + "'", e);
        }
        boolean http = "http".equalsIgnoreCase(uri.getScheme()) || "https".equalsIgnoreCase(uri.getScheme());
        if (!http || uri.getHost() == null) {
            throw new IllegalArgumentException("expected an absolute http or https URL, found '" + url + "'");
        }
        return uri;
    }
}
