package dev.postern.worker;

import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Which URL a task's jobs go to: the task's own URL where one is given, else the default, which is either a base that the
 * task is appended to or a template with {@code {task}} in it. Immutable; any thread may use it.
 */
public final class TaskRouter {

    private static final String TASK = "{task}";
    private static final Pattern AUTHORITY =
            Pattern.compile("([^@]*@)?(\\[[0-9a-fA-F:.]+]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?");

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

    /** The URL for a task; empty when nothing says where it lives, or its name cannot stand in the template's host. */
    public Optional<URI> route(String task) {
        URI mapped = own.get(task);
        if (mapped != null) {
            return Optional.of(mapped);
        }
        return fallback.flatMap(template -> parsed(template.replace(TASK, segment(task))))
                .filter(TaskRouter::addressable);
    }

    // An empty task in the template's host leaves nothing that is a URL.
    private static Optional<URI> parsed(String url) {
        try {
            return Optional.of(new URI(url));
        } catch (URISyntaxException e) {
            return Optional.empty();
        }
    }

    private static String segment(String task) {
        return URLEncoder.encode(task, StandardCharsets.UTF_8).replace("+", "%20");
    }

    // Stricter than a URL, where a host may be anything escaped, and laxer than URI.getHost, which knows no underscore.
    private static boolean addressable(URI uri) {
        return uri.getRawAuthority() != null
                && AUTHORITY.matcher(uri.getRawAuthority()).matches();
    }

    private static URI checked(String url) {
        URI uri;
        try {
            uri = URI.create(url);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("not a URL: '" + url + "'", e);
        }
        boolean http = "http".equalsIgnoreCase(uri.getScheme()) || "https".equalsIgnoreCase(uri.getScheme());
        if (!http || !addressable(uri)) {
            throw new IllegalArgumentException("expected an absolute http or https URL, found '" + url + "'");
        }
        return uri;
    }
}
