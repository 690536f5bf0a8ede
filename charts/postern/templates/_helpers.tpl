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
{{- $roles := list "worker" "scheduler" "callback" -}}
{{- if .Values.api.enabled -}}
{{- $roles = append $roles "api" -}}
{{- end -}}
{{- if .Values.splitRoles.enabled -}}
{{- range $role := $roles }}
{{- $own := index $.Values.splitRoles $role }}
- name: {{ printf "%s-%s" $fullname $role }}
  role: {{ $role }}
  roles: [{{ $role }}]
  replicas: {{ int $own.replicas }}
  scaled: {{ and (eq $role "worker") (ne $.Values.autoscaling.kind "none") }}
  resources: {{ toJson (default $.Values.resources $own.resources) }}
{{- end }}
{{- else -}}
- name: {{ $fullname }}
  role: all
  roles: {{ toJson $roles }}
  replicas: {{ int .Values.replicas }}
  scaled: {{ ne .Values.autoscaling.kind "none" }}
  resources: {{ toJson .Values.resources }}
{{- end -}}
{{- end -}}

{{/* Where the secret with the API's keys is mounted. */}}
{{- define "postern.apiKeyDirectory" -}}/etc/postern/api-keys{{- end -}}

{{/* Environment of pods that serve the API. The others have no keys, and would refuse to start over files they lack. */}}
{{- define "postern.apiEnv" -}}
{{- $keys := list -}}
{{- range .Values.api.keys.files -}}
{{- $keys = append $keys (printf "%s/%s" (include "postern.apiKeyDirectory" $) .) -}}
{{- end -}}
- name: POSTERN_API_PORT
  value: {{ int .Values.api.port | quote }}
- name: POSTERN_API_KEYS
  value: {{ concat $keys .Values.api.keys.urls | join "," | quote }}
- name: POSTERN_API_RATE
  value: {{ int .Values.api.rate | quote }}
{{- range $name, $value := dict "POSTERN_API_ISSUER" .Values.api.issuer "POSTERN_API_AUDIENCE" .Values.api.audience "POSTERN_API_TENANT_CLAIM" .Values.api.claims.tenant "POSTERN_API_USER_CLAIM" .Values.api.claims.user "POSTERN_API_PERMISSIONS_CLAIM" .Values.api.claims.permissions }}
{{- if $value }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The Deployment whose pods run jobs: the one that autoscaling sizes. */}}
{{- define "postern.workerDeployment" -}}
{{ include "postern.fullname" . }}{{ if .Values.splitRoles.enabled }}-worker{{ end }}
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
POSTERN_ATTEMPT_TIMEOUT_SECONDS: {{ int .Values.worker.attemptTimeoutSeconds | quote }}
POSTERN_RESPONSE_START_TIMEOUT_SECONDS: {{ int .Values.worker.attemptTimeoutSeconds | quote }}
POSTERN_CALLBACK_LEASE_SECONDS: {{ int .Values.callback.leaseSeconds | quote }}
POSTERN_CALLBACK_LEASE_MAX_SECONDS: {{ max 3600 (int .Values.callback.leaseSeconds) | quote }}
POSTERN_MIGRATE: {{ eq .Values.migration.run "serve" | quote }}
{{- end -}}

{{/* Environment, envFrom and probes of a function's container are the same with and without Knative. */}}
{{- define "postern.functionEnv" -}}
{{- $function := .function -}}
{{- $mailgun := .root.Values.mailgun -}}
{{- if not (hasKey (default dict $function.env) "POSTERN_DRAIN_SECONDS") }}
# What runs when the pod is stopped may end; Knative and the pod's grace period allow for it.
- name: POSTERN_DRAIN_SECONDS
  value: {{ int .root.Values.worker.attemptTimeoutSeconds | quote }}
{{- end }}
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

{{/*
How long Knative lets a call run: longer than the worker waits, so that a slow call ends as the worker's time-out, which is
charged to the job, and not as Knative's 504, which looks like a failure of the infrastructure. The lease outlasts both.
*/}}
{{- define "postern.callLimit" -}}
{{- add (int .Values.worker.attemptTimeoutSeconds) 15 -}}
{{- end -}}

{{/* Pods kept when there is nothing to do. A function that answers 202 works on when Knative sees no call any more. */}}
{{- define "postern.functionMinScale" -}}
{{- if hasKey . "minScale" -}}{{ int .minScale }}{{- else -}}{{ ternary 1 0 (default false .answersLater) }}{{- end -}}
{{- end -}}

{{/* 0, which is "no limit" to Knative, is a value and not an absence. */}}
{{- define "postern.functionMaxScale" -}}
{{- if hasKey . "maxScale" -}}{{ int .maxScale }}{{- else -}}10{{- end -}}
{{- end -}}

{{/* Endpoints hear of a pod's end when it begins: until all have, it still serves. */}}
{{- define "postern.preStop" -}}
{{- with int .Values.preStopSeconds }}
lifecycle:
  preStop:
    sleep:
      seconds: {{ . }}
{{- end }}
{{- end -}}

{{/* topologySpreadConstraints of {labels, root}; a constraint without a labelSelector spreads the Deployment's own pods. */}}
{{- define "postern.topologySpread" -}}
{{- $labels := .labels | fromYaml -}}
{{- with .root.Values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  - {{ merge (dict) . (dict "labelSelector" (dict "matchLabels" $labels)) | toYaml | nindent 4 | trim }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* The task that `helm test` adds a job of; empty for none. */}}
{{- define "postern.testTask" -}}
{{- if .Values.tests.task -}}
{{- .Values.tests.task -}}
{{- else if .Values.functions -}}
{{- $function := first .Values.functions -}}
{{- first (default (list $function.name) $function.tasks) -}}
{{- end -}}
{{- end -}}
