package dev.postern.charts;

/** Values that somebody might really install with. */
enum ChartValues {
    SMALLEST("""
            database:
              existingSecret: acme-db-app
            """),
    TWO_FUNCTIONS_ON_KNATIVE("""
            database:
              existingSecret: acme-db-app
            service:
              name: knative-job-service
            """ + Functions.TWO),
    TWO_FUNCTIONS_WITHOUT_KNATIVE("""
            database:
              existingSecret: acme-db-app
            knative:
              enabled: false
            imagePullSecrets: [registry]
            nodeSelector: {disk: fast}
            tolerations:
              - {key: jobs, operator: Exists, effect: NoSchedule}
            """ + Functions.TWO),
    THREE_REPLICAS("""
            database:
              existingSecret: acme-db-app
              host: db.internal
              port: 6432
              name: constructive
            replicas: 3
            runAsUser: null
            migration:
              run: serve
            """),
    SPLIT_ROLES("""
            database:
              existingSecret: acme-db-uri
              keys:
                url: uri
                listenUrl: direct-uri
            splitRoles:
              enabled: true
              worker:
                replicas: 4
                resources: {requests: {cpu: "1", memory: 1Gi}, limits: {memory: 1Gi}}
            podAnnotations: {team: jobs}
            podLabels: {team: jobs}
            priorityClassName: high
            affinity:
              podAntiAffinity:
                preferredDuringSchedulingIgnoredDuringExecution:
                  - weight: 1
                    podAffinityTerm:
                      topologyKey: kubernetes.io/hostname
                      labelSelector: {matchLabels: {app.kubernetes.io/instance: acme}}
            topologySpreadConstraints:
              - {maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}
            """),
    ANY_TASK_THROUGH_A_GATEWAY("""
            database:
              existingSecret: acme-db-app
            jobs:
              schema: tenant_jobs
              supportAny: true
            routing:
              functionUrl: http://gateway.functions.svc.cluster.local
              knativeServiceUrl: functions.svc.cluster.local
              internalGatewayUrl: http://gateway.functions.svc.cluster.local
              functions:
                "email:send_email": http://send-email.interweb.svc.cluster.local
            functions: []
            migration:
              run: never
            serviceAccount:
              create: false
            podDisruptionBudget:
              enabled: false
            replicas: 2
            extraEnv:
              LOG_LEVEL: debug
              OTEL_EXPORTER_OTLP_ENDPOINT: http://collector:4318
            extraEnvFromSecrets: [postern-more]
            """),
    API_IN_ALL_ROLES("""
            database:
              existingSecret: acme-db-app
            api:
              enabled: true
              keys: {urls: ["https://id.example.com/jwks"]}
            networkPolicy:
              enabled: true
            knative:
              enabled: false
            """),
    KEDA_WITH_ONE_URI("""
            database:
              existingSecret: acme-db-uri
              keys: {url: uri, listenUrl: direct-uri}
            jobs: {supportAny: true}
            routing: {functionUrl: "http://gateway.functions.svc.cluster.local"}
            autoscaling:
              kind: keda
              keda: {jobsPerReplica: 20}
            """),
    HPA("""
            database:
              existingSecret: acme-db-app
            autoscaling: {kind: hpa, minReplicas: 2}
            monitoring:
              serviceMonitor: {enabled: true, interval: 15s}
            preStopSeconds: 0
            topologySpreadConstraints: []
            tests: {task: system-ping, timeoutSeconds: 30}
            """),
    EVERYTHING("""
            database:
              existingSecret: acme-db-app
              host: db.internal
              name: jobs
            splitRoles: {enabled: true}
            autoscaling: {kind: keda, minReplicas: 2, maxReplicas: 20}
            api:
              enabled: true
              keys:
                existingSecret: api-keys
                files: [jwks.json, more.pem]
                urls: ["https://id.example.com/jwks"]
              issuer: https://id.example.com
              audience: postern
              claims: {tenant: tid}
              service: {annotations: {team: jobs}}
              ingress:
                enabled: true
                className: nginx
                host: jobs.example.com
                tlsSecret: jobs-tls
                annotations: {nginx.ingress.kubernetes.io/proxy-read-timeout: "660"}
            networkPolicy:
              enabled: true
              callbackFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: functions}}}]
              metricsFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]
              apiFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress-nginx}}}]
              egress:
                database: {pods: job-service, to: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [5432]}
                mail: {pods: functions, ports: [443]}
            monitoring:
              podMonitor: {enabled: true, labels: {release: prometheus}}
              prometheusRule:
                enabled: true
                labels: {release: prometheus}
                runbooks: https://docs.example.com/operations
              dashboard: {enabled: true, annotations: {grafana_folder: Jobs}}
            functions:
              - name: system-ping
                image: {repository: postern/system-ping}
              - name: export-report
                answersLater: true
                image: {repository: postern/export-report}
                env: {POSTERN_DRAIN_SECONDS: "60"}
            extraObjects:
              - apiVersion: v1
                kind: ConfigMap
                metadata: {name: "{{ .Release.Name }}-more"}
                data: {a: b}
              - |
                apiVersion: v1
                kind: ConfigMap
                metadata:
                  name: {{ .Release.Name }}-text
            """);

    private final String yaml;

    ChartValues(String yaml) {
        this.yaml = yaml;
    }

    String yaml() {
        return yaml;
    }

    private static final class Functions {

        private static final String TWO = """
                mailgun:
                  existingSecret: mailgun
                  keys:
                    apiKey: key
                  domain: mg.example.com
                  from: no-reply@mg.example.com
                functions:
                  - name: send-email-link
                    tasks: [send-email-link, "email:send_verification_link"]
                    image:
                      repository: registry.example.com/send-email-link
                      digest: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
                    mailgun: true
                    env:
                      GRAPHQL_URL: http://constructive-admin-server:3000/graphql
                      SEND_EMAIL_LINK_DRY_RUN: "false"
                    secretEnv:
                      GRAPHQL_AUTH_TOKEN: {secret: constructive, key: token}
                    envFromSecrets: [smtp]
                    concurrency: 4
                    minScale: 2
                    maxScale: 0
                    podAnnotations: {team: mail}
                  - name: system-ping
                    image: {repository: registry.example.com/system-ping, tag: "7"}
                    resources: {limits: {memory: 256Mi}}
                """;
    }
}
