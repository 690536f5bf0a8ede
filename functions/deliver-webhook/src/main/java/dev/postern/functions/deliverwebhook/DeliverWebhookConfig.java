package dev.postern.functions.deliverwebhook;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.postern.functions.protocol.SigningKeys;
import dev.postern.functions.runtime.Settings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The function's own settings, all named {@code DELIVER_WEBHOOK_…}.
 *
 * @param secrets live secrets by tenant; those of {@code *} sign for every tenant without its own ({@code SECRETS})
 * @param allowHttp whether http will do where no certificate can be had ({@code ALLOW_HTTP})
 * @param rules where webhooks may go ({@code ALLOWED_NETWORKS}, {@code DENIED_NETWORKS})
 * @param timeout from the look-up of the name to the end of the answer ({@code TIMEOUT_SECONDS})
 * @param goneMemory how long a 410 is remembered ({@code GONE_SECONDS})
 */
record DeliverWebhookConfig(
        Map<String, SigningKeys> secrets,
        boolean allowHttp,
        AddressRules rules,
        Duration timeout,
        Duration goneMemory) {

    static final String EVERY_TENANT = "*";

    private static final String SECRETS = "DELIVER_WEBHOOK_SECRETS";
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Reads everything, then refuses all mistakes at once. */
    static DeliverWebhookConfig from(Settings settings) {
        DeliverWebhookConfig config = new DeliverWebhookConfig(
                secrets(settings),
                settings.flag("DELIVER_WEBHOOK_ALLOW_HTTP", false),
                new AddressRules(
                        networks(settings, "DELIVER_WEBHOOK_ALLOWED_NETWORKS"),
                        networks(settings, "DELIVER_WEBHOOK_DENIED_NETWORKS")),
                settings.seconds("DELIVER_WEBHOOK_TIMEOUT_SECONDS", Duration.ofSeconds(20), 1, 300),
                settings.seconds("DELIVER_WEBHOOK_GONE_SECONDS", Duration.ofHours(1), 0, 86_400));
        settings.refuseMistakes();
        return config;
    }

    /** The secrets that sign for a tenant. */
    @Nullable
    SigningKeys keys(String tenant) {
        SigningKeys own = secrets.get(tenant);
        return own == null ? secrets.get(EVERY_TENANT) : own;
    }

    private static Map<String, SigningKeys> secrets(Settings settings) {
        String text = settings.required(
                SECRETS, "whsec_ and Base64 of 24 to 64 random bytes, or a JSON object from tenant to such secrets");
        if (text.isEmpty()) {
            return Map.of();
        }
        Map<String, SigningKeys> secrets = new HashMap<>();
        read(settings, text).forEach((tenant, words) -> {
            try {
                secrets.put(tenant, parsed(words));
            } catch (IllegalArgumentException e) {
                settings.mistake("%s, tenant '%s': %s".formatted(SECRETS, tenant, e.getMessage()));
            }
        });
        return Map.copyOf(secrets);
    }

    private static SigningKeys parsed(String words) {
        SigningKeys keys = SigningKeys.parse(words);
        if (keys.isEmpty()) {
            throw new IllegalArgumentException("there is no secret");
        }
        return keys;
    }

    /** Jackson's message would repeat what stands around the mistake: a secret. */
    private static Map<String, String> read(Settings settings, String text) {
        if (!text.startsWith("{")) {
            return Map.of(EVERY_TENANT, text);
        }
        try {
            return JSON.readValue(text, new TypeReference<Map<String, String>>() {});
        } catch (JsonProcessingException e) {
            settings.mistake(SECRETS + " must be a JSON object from tenant to a text of one or two secrets");
            return Map.of();
        }
    }

    private static List<Network> networks(Settings settings, String name) {
        List<Network> networks = new ArrayList<>();
        for (String word : settings.text(name, "").split("[\\s,]+")) {
            if (!word.isEmpty()) {
                try {
                    networks.add(Network.of(word));
                } catch (IllegalArgumentException e) {
                    settings.mistake(name + ": " + e.getMessage());
                }
            }
        }
        return networks;
    }
}
