package dev.postern.functions.graphqlstandin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vertx.core.Vertx;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class GraphServerTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String DATABASE = "00000000-0000-0000-0000-000000000001";
    private static final String NOBODY = "00000000-0000-0000-0000-0000000000ff";

    private final Vertx vertx = Vertx.vertx();
    private final HttpClient client = HttpClient.newHttpClient();
    private final GraphServer server = new GraphServer(vertx, TenantGraph.shipped());
    private String base = "";

    GraphServerTest() throws IOException {}

    @BeforeEach
    void start() throws Exception {
        int port = server.start(0, "127.0.0.1")
                .toCompletionStage()
                .toCompletableFuture()
                .get(10, TimeUnit.SECONDS);
        base = "http://127.0.0.1:" + port;
    }

    @AfterEach
    void stop() throws Exception {
        client.shutdownNow();
        server.stop().toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
        vertx.close().toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
    }

    @Test
    void answersTheSiteOfADatabase() throws Exception {
        JsonNode site = ask("""
                query GetDatabaseInfo($databaseId: UUID!) {
                  databases(where: { id: { equalTo: $databaseId } }, first: 1) {
                    nodes { sites { nodes {
                      domains { nodes { subdomain domain } }
                      logo title
                      siteThemes { nodes { theme } }
                      siteModules(where: { name: { equalTo: "legal_terms_module" } }) { nodes { data } }
                    } } }
                  }
                }
                """, Map.of("databaseId", DATABASE)).at("/data/databases/nodes/0/sites/nodes/0");

        assertThat(site.path("title").asText()).isEqualTo("Analytical Engines");
        assertThat(site.at("/domains/nodes/0/domain").asText()).isEqualTo("localhost");
        assertThat(site.at("/siteThemes/nodes/0/theme/primary").asText()).startsWith("#");
        assertThat(site.at("/siteModules/nodes/0/data/emails/support").asText()).contains("@");
        assertThat(site.path("logo").isNull()).isTrue();
    }

    @Test
    void answersOneUserById() throws Exception {
        JsonNode users = ask("""
                query GetUser($userId: UUID!) {
                  users(where: { id: { equalTo: $userId } }, first: 1) {
                    nodes { username displayName profilePicture }
                  }
                }
                """, Map.of("userId", "00000000-0000-0000-0000-000000000002"))
                .at("/data/users/nodes");

        assertThat(users).hasSize(1);
        assertThat(users.at("/0/displayName").asText()).isEqualTo("Ada Lovelace");
    }

    @Test
    void listsDatabasesAndUsers() throws Exception {
        assertThat(ask("{ databases { nodes { id name } } }", Map.of())
                        .at("/data/databases/nodes/0/id")
                        .asText())
                .isEqualTo(DATABASE);
        assertThat(ask("{ users { totalCount nodes { id username displayName } } }", Map.of())
                        .at("/data/users/nodes"))
                .hasSize(2);
        JsonNode one =
                ask("{ users(first: 1) { totalCount nodes { id } } }", Map.of()).at("/data/users");
        assertThat(one.path("nodes")).hasSize(1);
        assertThat(one.path("totalCount").asInt()).isEqualTo(2);
    }

    @Test
    void answersNoNodesForAnIdThatNobodyHas() throws Exception {
        assertThat(ask("{ databases(where: {id: {equalTo: \"" + NOBODY + "\"}}) { nodes { id } } }", Map.of())
                        .at("/data/databases/nodes"))
                .isEmpty();
    }

    @Test
    void filtersModulesByName() throws Exception {
        assertThat(ask("""
                        { databases { nodes { sites { nodes {
                          siteModules(where: { name: { equalTo: "another" } }) { nodes { data } } } } } } }
                        """, Map.of()).at("/data/databases/nodes/0/sites/nodes/0/siteModules/nodes"))
                .isEmpty();
    }

    @Test
    void tellsItsOwnSchema() throws Exception {
        JsonNode fields =
                ask("{ __schema { queryType { fields { name } } } }", Map.of()).at("/data/__schema/queryType/fields");

        assertThat(fields.toString()).contains("databases").contains("users");
    }

    @Test
    void answersErrorsAsGraphqlDoes() throws Exception {
        assertThat(ask("{ planets }", Map.of()).at("/errors/0/message").asText())
                .contains("planets");
        assertThat(ask(
                                "query($id: UUID!) { users(where: {id: {equalTo: $id}}) { nodes { id } } }",
                                Map.of("id", "not-a-uuid"))
                        .at("/errors/0/message")
                        .asText())
                .contains("UUID");
    }

    @Test
    void refusesWhatIsNoQuery() throws Exception {
        assertThat(post("{").statusCode()).isEqualTo(400);
        assertThat(post("{\"query\":1}").statusCode()).isEqualTo(400);
        assertThat(post("{\"query\":\"{users{totalCount}}\",\"variables\":[1]}").statusCode())
                .isEqualTo(400);
        assertThat(get("/graphql").statusCode()).isEqualTo(405);
        assertThat(get("/elsewhere").statusCode()).isEqualTo(404);
        assertThat(get("/healthz").statusCode()).isEqualTo(200);
    }

    @Test
    void refusesADataFileWithoutItsLists() {
        byte[] file = "{\"databases\":[]}".getBytes(StandardCharsets.UTF_8);

        assertThatThrownBy(() -> TenantGraph.read(new ByteArrayInputStream(file)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("users");
    }

    private JsonNode ask(String query, Map<String, Object> variables) throws Exception {
        var answer = post(JSON.writeValueAsString(Map.of("query", query, "variables", variables)));
        assertThat(answer.statusCode()).isEqualTo(200);
        return JSON.readTree(answer.body());
    }

    private HttpResponse<String> post(String body) throws Exception {
        return client.send(
                HttpRequest.newBuilder(URI.create(base + "/graphql"))
                        .timeout(Duration.ofSeconds(30))
                        .POST(HttpRequest.BodyPublishers.ofString(body))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private HttpResponse<String> get(String path) throws Exception {
        return client.send(
                HttpRequest.newBuilder(URI.create(base + path))
                        .timeout(Duration.ofSeconds(30))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }
}
