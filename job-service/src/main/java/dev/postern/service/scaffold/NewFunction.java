package dev.postern.service.scaffold;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A module for a function, from templates: code, test, Dockerfile, Knative manifest, README, and its line in the parent
 * pom.
 */
public final class NewFunction {

    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9]*(-[a-z0-9]+)*");
    /** With a longer one, lines of the templates would be longer than the formatter leaves them. */
    private static final int LONGEST_NAME = 35;

    private static final Pattern MODULE = Pattern.compile("<module>([^<]+)</module>");

    /** Words that cannot be a package. */
    private static final Set<String> KEYWORDS = Set.of(
            "abstract",
            "assert",
            "boolean",
            "break",
            "byte",
            "case",
            "catch",
            "char",
            "class",
            "const",
            "continue",
            "default",
            "do",
            "double",
            "else",
            "enum",
            "extends",
            "false",
            "final",
            "finally",
            "float",
            "for",
            "goto",
            "if",
            "implements",
            "import",
            "instanceof",
            "int",
            "interface",
            "long",
            "native",
            "new",
            "null",
            "package",
            "private",
            "protected",
            "public",
            "return",
            "short",
            "static",
            "strictfp",
            "super",
            "switch",
            "synchronized",
            "this",
            "throw",
            "throws",
            "transient",
            "true",
            "try",
            "void",
            "volatile",
            "while");

    private final Path home;
    private final String name;
    private final String pom;

    /**
     * Writes nothing yet.
     *
     * @param home the checkout
     * @param name the function's name, which is its task identifier
     * @throws IllegalArgumentException when the name cannot be used
     * @throws IllegalStateException when {@code home} is no checkout
     */
    public NewFunction(Path home, String name) throws IOException {
        if (!NAME.matcher(name).matches() || name.length() > LONGEST_NAME || KEYWORDS.contains(name)) {
            throw new IllegalArgumentException(
                    "a function's name is lower-case words with hyphens between them, such as"
                            + " greet-customer, at most " + LONGEST_NAME + " characters and no word of Java; '" + name
                            + "' is not");
        }
        this.home = home;
        this.name = name;
        Path parent = home.resolve("pom.xml");
        if (!Files.isRegularFile(parent) || !Files.isDirectory(home.resolve("functions"))) {
            throw new IllegalStateException(home + " is no checkout of Postern: run ./postern from one");
        }
        this.pom = Files.readString(parent);
        refuseTakenName();
    }

    private void refuseTakenName() {
        boolean artifact = name.equals("postern")
                || name.startsWith("functions-")
                || MODULE.matcher(pom)
                        .results()
                        .map(module -> module.group(1).substring(module.group(1).lastIndexOf('/') + 1))
                        .anyMatch(name::equals);
        if (artifact || Files.exists(directory())) {
            throw new IllegalArgumentException(
                    "'" + name + "' is taken: there is a module or a directory of that name; choose another");
        }
    }

    private Path directory() {
        return home.resolve("functions").resolve(name);
    }

    /** Writes the module; returns its files, relative to the checkout. */
    public List<Path> write() throws IOException {
        Map<String, String> words = words();
        List<Path> written = new ArrayList<>();
        for (Map.Entry<String, String> file : files(words).entrySet()) {
            Path target = directory().resolve(file.getKey());
            Files.createDirectories(target.getParent());
            Files.writeString(target, filled(file.getValue(), words));
            written.add(home.relativize(target));
        }
        Files.writeString(home.resolve("pom.xml"), withModule());
        return written;
    }

    private Map<String, String> words() {
        String compact = name.replace("-", "");
        String camel = Arrays.stream(name.split("-", -1))
                .map(word -> Character.toUpperCase(word.charAt(0)) + word.substring(1))
                .collect(Collectors.joining());
        return Map.of(
                "name", name,
                "class", camel + "Function",
                "package", "dev.postern.functions." + compact,
                "path", "dev/postern/functions/" + compact,
                "description", "Greets somebody.");
    }

    /** From file to template. */
    private static Map<String, String> files(Map<String, String> words) {
        String main = "src/main/java/" + words.get("path") + "/";
        String test = "src/test/java/" + words.get("path") + "/";
        Map<String, String> files = new LinkedHashMap<>();
        files.put("README.md", "README.md");
        files.put("pom.xml", "pom.xml");
        files.put("payload.json", "payload.json");
        files.put("Dockerfile", "Dockerfile");
        files.put("knative.yaml", "knative.yaml");
        files.put(main + "Main.java", "Main.java");
        files.put(main + words.get("class") + ".java", "Function.java");
        files.put(main + "Payload.java", "Payload.java");
        files.put(main + "Greeting.java", "Greeting.java");
        files.put(main + "package-info.java", "package-info.java");
        files.put(test + words.get("class") + "Test.java", "FunctionTest.java");
        files.put(test + "package-info.java", "package-info-test.java");
        return files;
    }

    private static String filled(String template, Map<String, String> words) throws IOException {
        String text;
        try (InputStream in = NewFunction.class.getResourceAsStream(template + ".txt")) {
            if (in == null) {
                throw new IOException("the template " + template + " is not in this build");
            }
            text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        for (Map.Entry<String, String> word : words.entrySet()) {
            text = text.replace("{{" + word.getKey() + "}}", word.getValue());
        }
        return text;
    }

    /** Behind the last function. */
    private String withModule() {
        int last = pom.lastIndexOf("<module>functions/");
        int end = pom.indexOf('\n', last) + 1;
        if (last < 0 || end == 0) {
            throw new IllegalStateException("pom.xml names no module of functions");
        }
        return pom.substring(0, end) + "    <module>functions/" + name + "</module>\n" + pom.substring(end);
    }
}
