package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What is said of servers that are too old; the servers of the tests are not. */
class ServerVersionTest {

    @Test
    void namesWhatIsNeededAndWhatIsThere() {
        assertThat(ServerVersion.refusal(14, "14.20", "UTF8"))
                .isEqualTo("PostgreSQL 15 or newer is needed (16 for the HTTP API), it is 14.20");
        assertThat(ServerVersion.refusal(15, "15.15", "UTF8")).isNull();
        assertThat(ServerVersion.withoutTenantRole(15, "15.15"))
                .isEqualTo("that takes PostgreSQL 16 or newer, or a superuser; it is 15.15");
        assertThat(ServerVersion.withoutTenantRole(16, "16.1")).contains("grant postern_tenant");
    }
}
