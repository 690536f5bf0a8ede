package dev.postern.functions.sendemaillink;

import dev.postern.functions.mail.Mail;
import io.pebbletemplates.pebble.PebbleEngine;
import io.pebbletemplates.pebble.loader.ClasspathLoader;
import io.pebbletemplates.pebble.template.PebbleTemplate;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.URI;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Says what the mail says, and lays it out: templates mail.html.peb and mail.txt.peb. Values are escaped in the former. */
final class MailWriter {

    private static final int LONGEST_NAME = 80;

    private final PebbleTemplate html;
    private final PebbleTemplate text;

    MailWriter() {
        ClasspathLoader loader = new ClasspathLoader(MailWriter.class.getClassLoader());
        loader.setPrefix(MailWriter.class.getPackageName().replace('.', '/'));
        PebbleEngine engine = new PebbleEngine.Builder()
                .loader(loader)
                .strictVariables(true)
                .autoEscaping(true)
                .newLineTrimming(false)
                .build();
        this.html = engine.getTemplate("mail.html.peb");
        this.text = engine.getTemplate("mail.txt.peb");
    }

    /** The words of one mail. */
    private record Words(
            String subject, String preheader, String heading, String message, String button, String note) {}

    /**
     * Writes the mail.
     *
     * @param inviter who invites, where it is an invitation and the name is known
     * @param key the same for all attempts of the job
     */
    Mail write(LinkEmail email, Site site, @Nullable String inviter, URI link, @Nullable String key) {
        Words words = words(email, site.nick(), inviter);
        BrandColor brand = BrandColor.of(site.primary());
        Map<String, Object> values = new HashMap<>();
        values.put("subject", words.subject());
        values.put("preheader", words.preheader());
        values.put("heading", words.heading());
        values.put("message", words.message());
        values.put("buttonText", words.button());
        values.put("note", words.note());
        values.put("link", link.toString());
        values.put("buttonColor", brand.fill());
        values.put("buttonTextColor", brand.text());
        values.put("brandText", brand.fill());
        values.put("nick", site.nick());
        values.put("company", site.company());
        values.put("support", site.support());
        values.put("logo", site.logo() == null ? null : site.logo().toString());
        values.put("website", site.website() == null ? null : site.website().toString());
        values.put("websiteName", site.website() == null ? null : site.website().getHost());
        return new Mail(
                List.of(email.to()),
                words.subject(),
                new Mail.Body(render(html, values), render(text, values)),
                null,
                null,
                new Mail.Trace(email.type(), link),
                key);
    }

    private static Words words(LinkEmail email, String nick, @Nullable String inviter) {
        return switch (email) {
            case LinkEmail.Invitation invitation -> invitation(invitation, nick, inviter);
            case LinkEmail.PasswordReset ignored ->
                new Words(
                        nick + ": reset your password",
                        "Somebody asked for a new password for your account.",
                        "Reset your password",
                        "Somebody, most likely you, asked for a new password for your " + nick
                                + " account. Choose it with the button below.",
                        "Choose a new password",
                        "If it was not you, leave this mail alone: your password stays as it is.");
            case LinkEmail.Confirmation ignored ->
                new Words(
                        nick + ": confirm your e-mail address",
                        "One click tells us that this address is yours.",
                        "Confirm your e-mail address",
                        "This address was entered at " + nick
                                + ". One click tells us that it is yours and that mail reaches you.",
                        "Confirm address",
                        "If you do not know what this is about, leave this mail alone: nothing will happen.");
        };
    }

    private static Words invitation(LinkEmail.Invitation invitation, String nick, @Nullable String inviter) {
        String name =
                inviter == null || inviter.length() <= LONGEST_NAME ? inviter : inviter.substring(0, LONGEST_NAME);
        String place = switch (invitation.scope()) {
            case APP -> nick;
            case ORGANISATION -> "an organisation on " + nick;
        };
        return new Words(
                name == null ? "Welcome to " + nick : name + " invited you to " + nick,
                "Your invitation is waiting: set up your account with this link.",
                name == null ? "You are invited to " + nick : name + " invited you to " + nick,
                "You have been invited to join " + place + ". Accept with the button below; setting up your account"
                        + " takes a minute.",
                "Accept invitation",
                "The invitation is for " + invitation.to()
                        + ". If you did not expect it, you can leave this mail alone.");
    }

    private static String render(PebbleTemplate template, Map<String, Object> values) {
        try {
            StringWriter out = new StringWriter();
            template.evaluate(out, values, Locale.ROOT);
            return out.toString();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot render a mail into memory", e);
        }
    }
}
