{{/* The name that labels carry. */}}
{{- define "postern.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* The release's full name; 52 characters leave room for the longest suffix. */}}
{{- define "postern.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "postern.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "postern.serviceName" -}}
{{- default (include "postern.fullname" .) .Values.service.name -}}
{{- end -}}

{{- define "postern.serviceHost" -}}
{{- printf "%s.%s.svc.%s" (include "postern.serviceName" .) .Release.Namespace .Values.clusterDomain -}}
{{- end -}}

{{- define "postern.callbackUrl" -}}
{{- default (printf "http://%s:%d/callback" (include "postern.serviceHost" .) (int .Values.callback.port)) .Values.callback.url -}}
{{- end -}}

{{- define "postern.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "postern.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "postern.selectorLabels" -}}
app.kubernetes.io/name: {{ include "postern.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "postern.labels" -}}
{{ include "postern.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* image reference of {image, root} */}}
{{- define "postern.image" -}}
{{- if .image.digest -}}
{{- printf "%s@%s" .image.repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" .image.repository (default .root.Chart.AppVersion .image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "postern.imagePullSecrets" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* What Pod Security "restricted" asks of a container. Knative takes these on the container, not on the pod. */}}
{{- define "postern.containerSecurityContext" -}}
runAsNonRoot: true
{{- with .Values.runAsUser }}
runAsUser: {{ int64 . }}
{{- end }}
readOnlyRootFilesystem: true
allowPrivilegeEscalation: false
capabilities:
  drop:
    - ALL
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* The Deployments of the job service, as a YAML list: one with all roles, or one per role. */}}
{{- define "postern.deployments" -}}
{{- $fullname := include "postern.fullname" . -}}
{{- if .Values.splitRoles.enabled -}}
{{- range $role := list "worker" "scheduler" "callback" }}
{{- $own := index $.Values.splitRoles $role }}
- name: {{ printf "%s-%s" $fullname $role }}
  role: {{ $role }}
  roles: [{{ $role }}]
  replicas: {{ int $own.replicas }}
  resources: {{ toJson (default $.Values.resources $own.resources) }}
{{- end }}
{{- else -}}
- name: {{ $fullname }}
  role: all
  roles: [worker, scheduler, callback]
  replicas: {{ int .Values.replicas }}
  resources: {{ toJson .Values.resources }}
{{- end -}}
{{- end -}}

{{/* Labels that select the pods of one Deployment of {role, root}. */}}
{{- define "postern.roleSelectorLabels" -}}
{{ include "postern.selectorLabels" .root }}
app.kubernetes.io/component: job-service
postern.dev/role: {{ .role }}
{{- end -}}

{{/* The connection: secret keys, or plain host, port and name where values give them. The password is always a key. */}}
{{- define "postern.databaseEnv" -}}
{{- $database := .Values.database -}}
{{- $secret := $database.existingSecret -}}
{{- if $database.keys.url }}
{{ include "postern.secretEnvVar" (dict "name" "DATABASE_URL" "secret" $secret "key" $database.keys.url) }}
{{- else }}
{{- range $name, $field := dict "PGHOST" "host" "PGPORT" "port" "PGDATABASE" "name" }}
{{- $plain := index $database $field }}
{{- if $plain }}
- name: {{ $name }}
  value: {{ $plain | toString | quote }}
{{- else }}
{{ include "postern.secretEnvVar" (dict "name" $name "secret" $secret "key" (index $database.keys $field)) }}
{{- end }}
{{- end }}
{{ include "postern.secretEnvVar" (dict "name" "PGUSER" "secret" $secret "key" $database.keys.user) }}
{{ include "postern.secretEnvVar" (dict "name" "PGPASSWORD" "secret" $secret "key" $database.keys.password) }}
{{- end }}
{{- if $database.keys.listenUrl }}
{{ include "postern.secretEnvVar" (dict "name" "DATABASE_LISTEN_URL" "secret" $secret "key" $database.keys.listenUrl) }}
{{- end }}
{{- end -}}

{{- define "postern.secretEnvVar" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret }}
      key: {{ .key }}
{{- end -}}

{{- define "postern.functionUrl" -}}
{{- printf "http://%s.%s.svc.%s" .name .root.Release.Namespace .root.Values.clusterDomain -}}
{{- end -}}

{{/* Task to URL, as JSON: the functions of this release and the ones that something else deploys. */}}
{{- define "postern.functionMap" -}}
{{- $map := dict -}}
{{- range $task, $url := .Values.routing.functions -}}
{{- $_ := set $map $task $url -}}
{{- end -}}
{{- range $function := .Values.functions -}}
{{- $url := include "postern.functionUrl" (dict "name" $function.name "root" $) -}}
{{- range default (list $function.name) $function.tasks -}}
{{- $_ := set $map . $url -}}
{{- end -}}
{{- end -}}
{{- toJson $map -}}
{{- end -}}

{{/* Environment of the job service that is no secret, as YAML of name to text; it becomes the ConfigMap. */}}
{{- define "postern.config" -}}
{{- $functions := include "postern.functionMap" . | fromJson -}}
JOBS_SCHEMA: {{ .Values.jobs.schema | quote }}
JOBS_SUPPORT_ANY: {{ .Values.jobs.supportAny | quote }}
{{- if not .Values.jobs.supportAny }}
JOBS_SUPPORTED: {{ concat (keys $functions) .Values.jobs.supported | uniq | sortAlpha | join "," | quote }}
{{- end }}
INTERNAL_JOBS_CALLBACK_PORT: {{ int .Values.callback.port | quote }}
INTERNAL_JOBS_CALLBACK_URL: {{ include "postern.callbackUrl" . | quote }}
JOBS_CALLBACK_HOST: {{ include "postern.serviceHost" . | quote }}
{{- with .Values.routing.functionUrl }}
FUNCTION_URL: {{ . | quote }}
{{- end }}
{{- with .Values.routing.knativeServiceUrl }}
KNATIVE_SERVICE_URL: {{ . | quote }}
{{- end }}
{{- with .Values.routing.internalGatewayUrl }}
INTERNAL_GATEWAY_URL: {{ . | quote }}
{{- end }}
POSTERN_FUNCTIONS: {{ include "postern.functionMap" . | quote }}
POSTERN_HTTP_PORT: {{ int .Values.http.port | quote }}
POSTERN_CONCURRENCY: {{ int .Values.worker.concurrency | quote }}
POSTERN_LEASE_SECONDS: {{ int .Values.worker.leaseSeconds | quote }}
POSTERN_DRAIN_SECONDS: {{ int .Values.worker.drainSeconds | quote }}
POSTERN_MIGRATE: {{ eq .Values.migration.run "serve" | quote }}
{{- end -}}

{{/* Environment, envFrom and probes of a function's container are the same with and without Knative. */}}
{{- define "postern.functionEnv" -}}
{{- $function := .function -}}
{{- $mailgun := .root.Values.mailgun -}}
{{- range $name, $value := $function.env }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- if $function.mailgun }}
{{- range list "MAILGUN_API_KEY" "MAILGUN_KEY" }}
{{ include "postern.secretEnvVar" (dict "name" . "secret" $mailgun.existingSecret "key" $mailgun.keys.apiKey) }}
{{- end }}
{{- range $name, $field := dict "MAILGUN_DOMAIN" "domain" "MAILGUN_FROM" "from" "MAILGUN_REPLY" "reply" }}
{{- with index $mailgun $field }}
- name: {{ $name }}
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- range $name, $source := $function.secretEnv }}
{{ include "postern.secretEnvVar" (dict "name" $name "secret" $source.secret "key" $source.key) }}
{{- end }}
{{- end -}}

{{- define "postern.functionResources" -}}
{{- if .resources -}}
{{ toYaml .resources }}
{{- else -}}
requests:
  cpu: 100m
  memory: 192Mi
limits:
  memory: 384Mi
{{- end -}}
{{- end -}}

{{- define "postern.functionTimeout" -}}
{{- int (default 60 .timeoutSeconds) -}}
{{- end -}}

{{/* 0, which is "no limit" to Knative, is a value and not an absence. */}}
{{- define "postern.functionMaxScale" -}}
{{- if hasKey . "maxScale" -}}{{ int .maxScale }}{{- else -}}10{{- end -}}
{{- end -}}
