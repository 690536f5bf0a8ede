{{/*
What a schema cannot say, or cannot say so that a person knows what to do. All mistakes are told at once.
*/}}
{{- define "postern.validate" -}}
{{- $mistakes := list -}}
{{- $values := .Values -}}

{{- if not $values.database.existingSecret -}}
{{- $mistakes = append $mistakes "database.existingSecret is not set. Name a secret in this namespace that holds the connection, for example --set database.existingSecret=<cluster>-app; database.keys says which keys are read (now username, password, host, port, dbname, as CloudNativePG writes them)." -}}
{{- end -}}

{{- $fallback := or $values.routing.functionUrl $values.routing.knativeServiceUrl $values.routing.internalGatewayUrl -}}
{{- if and $values.jobs.supportAny (not $fallback) -}}
{{- $mistakes = append $mistakes "jobs.supportAny is true, but a task that no function claims has no address. Set routing.functionUrl, or set jobs.supportAny to false." -}}
{{- end -}}
{{- if and (not $values.jobs.supportAny) (not $values.functions) (not $values.routing.functions) (not $values.jobs.supported) -}}
{{- $mistakes = append $mistakes "there is no task to claim. List a function under functions or routing.functions, or set jobs.supportAny to true with routing.functionUrl." -}}
{{- end -}}
{{- if and $values.jobs.supported (not $fallback) -}}
{{- $mistakes = append $mistakes (printf "jobs.supported names %s, which need an address. Set routing.functionUrl, or list them under routing.functions." (join ", " $values.jobs.supported)) -}}
{{- end -}}
{{- if eq (int $values.callback.port) (int $values.http.port) -}}
{{- $mistakes = append $mistakes (printf "callback.port and http.port are both %d. Give them two ports." (int $values.http.port)) -}}
{{- end -}}
{{- $api := $values.api -}}
{{- if $api.enabled -}}
{{- if and (not $api.keys.files) (not $api.keys.urls) -}}
{{- $mistakes = append $mistakes "api.enabled is true, but nothing says whose tokens count: without keys the API listens inside its pod only. Set api.keys.existingSecret with api.keys.files, or api.keys.urls." -}}
{{- end -}}
{{- if and $api.keys.files (not $api.keys.existingSecret) -}}
{{- $mistakes = append $mistakes (printf "api.keys.files names %s, but api.keys.existingSecret is not set. Name the secret that holds them." (join ", " $api.keys.files)) -}}
{{- end -}}
{{- if and $api.keys.existingSecret (not $api.keys.files) -}}
{{- $mistakes = append $mistakes (printf "api.keys.existingSecret is %s, but api.keys.files names no key of it. List those that hold the API's keys." $api.keys.existingSecret) -}}
{{- end -}}
{{- range $name, $port := dict "callback.port" $values.callback.port "http.port" $values.http.port -}}
{{- if eq (int $port) (int $api.port) -}}
{{- $mistakes = append $mistakes (printf "%s and api.port are both %d. Give them two ports." $name (int $port)) -}}
{{- end -}}
{{- end -}}
{{- else if $api.ingress.enabled -}}
{{- $mistakes = append $mistakes "api.ingress.enabled is true, but api.enabled is false. Enable the API too." -}}
{{- end -}}
{{- if and $api.ingress.enabled (not $api.ingress.host) -}}
{{- $mistakes = append $mistakes "api.ingress.enabled is true, but api.ingress.host is not set. Name the host that callers use." -}}
{{- end -}}
{{- if and $values.database.keys.url (or $values.database.host $values.database.port $values.database.name) -}}
{{- $mistakes = append $mistakes "database.keys.url takes the whole connection from one key, but database.host, port or name is set too. Keep one of the two." -}}
{{- end -}}

{{- $limit := int (include "postern.callLimit" .) -}}
{{- if and $values.knative.enabled $values.functions (gt $limit (int $values.knative.maxTimeoutSeconds)) -}}
{{- $mistakes = append $mistakes (printf "worker.attemptTimeoutSeconds is %d, so Knative has to let a call run for %d s, and refuses more than %d. Lower it, or raise the cluster's max-revision-timeout-seconds and tell knative.maxTimeoutSeconds." (int $values.worker.attemptTimeoutSeconds) $limit (int $values.knative.maxTimeoutSeconds)) -}}
{{- end -}}
{{- if le (int $values.callback.leaseSeconds) $limit -}}
{{- $mistakes = append $mistakes (printf "callback.leaseSeconds is %d, but a function may work for %d s before its pod has to end (worker.attemptTimeoutSeconds and 15 more). Set it higher than that." (int $values.callback.leaseSeconds) $limit) -}}
{{- end -}}
{{- if and (ne $values.autoscaling.kind "none") (gt (int $values.autoscaling.minReplicas) (int $values.autoscaling.maxReplicas)) -}}
{{- $mistakes = append $mistakes (printf "autoscaling.minReplicas %d is above maxReplicas %d." (int $values.autoscaling.minReplicas) (int $values.autoscaling.maxReplicas)) -}}
{{- end -}}
{{- if and (eq $values.autoscaling.kind "hpa") (not (dig "requests" "cpu" "" (default (default dict $values.resources) (ternary $values.splitRoles.worker.resources dict $values.splitRoles.enabled)))) -}}
{{- $mistakes = append $mistakes "autoscaling.kind is hpa, which compares the use of CPU with its request, and there is none. Set resources.requests.cpu, or take keda." -}}
{{- end -}}
{{- if and $values.monitoring.podMonitor.enabled $values.monitoring.serviceMonitor.enabled -}}
{{- $mistakes = append $mistakes "monitoring.podMonitor and monitoring.serviceMonitor are both enabled: each pod would be scraped twice. Keep one of them." -}}
{{- end -}}

{{- $owners := dict -}}
{{- range $task, $url := $values.routing.functions -}}
{{- $_ := set $owners $task "routing.functions" -}}
{{- end -}}
{{- $names := dict (include "postern.serviceName" .) "the callback's Service" (printf "%s-metrics" (include "postern.fullname" .)) "the metrics' Service" (printf "%s-api" (include "postern.fullname" .)) "the API's Service" -}}
{{- range $function := $values.functions -}}
{{- if hasKey $names $function.name -}}
{{- $mistakes = append $mistakes (printf "the function name %s is taken by %s. Give the function another name." $function.name (get $names $function.name)) -}}
{{- end -}}
{{- $_ := set $names $function.name "another function" -}}
{{- range $task := default (list $function.name) $function.tasks -}}
{{- if hasKey $owners $task -}}
{{- $mistakes = append $mistakes (printf "the task %s is sent to both %s and %s. Keep one of them." $task (get $owners $task) $function.name) -}}
{{- end -}}
{{- $_ := set $owners $task $function.name -}}
{{- end -}}
{{- if and $function.mailgun (not $values.mailgun.existingSecret) -}}
{{- $mistakes = append $mistakes (printf "the function %s has mailgun: true, but mailgun.existingSecret is not set. Name the secret that holds the key %s." $function.name $values.mailgun.keys.apiKey) -}}
{{- end -}}
{{- $min := int (include "postern.functionMinScale" $function) -}}
{{- if and $function.answersLater (lt $min 1) -}}
{{- $mistakes = append $mistakes (printf "the function %s answers later and has minScale 0: Knative would take its pod away in the middle of the work. Leave minScale out, or set 1 or more." $function.name) -}}
{{- end -}}
{{- $max := int (include "postern.functionMaxScale" $function) -}}
{{- if and $max (gt $min $max) -}}
{{- $mistakes = append $mistakes (printf "the function %s has minScale %d above maxScale %d." $function.name $min $max) -}}
{{- end -}}
{{- $given := dict -}}
{{- range $name, $value := $function.env -}}
{{- $_ := set $given $name "env" -}}
{{- if include "postern.soundsSecret" $name -}}
{{- $mistakes = append $mistakes (printf "the function %s gives %s as plain text. Put it into a secret and name that under secretEnv: {%s: {secret: <name>, key: <key>}}." $function.name $name $name) -}}
{{- end -}}
{{- end -}}
{{- range $name, $source := $function.secretEnv -}}
{{- if hasKey $given $name -}}
{{- $mistakes = append $mistakes (printf "the function %s sets %s under env and under secretEnv. Keep one of them." $function.name $name) -}}
{{- end -}}
{{- $_ := set $given $name "secretEnv" -}}
{{- end -}}
{{- range $name := list "PORT" "K_SERVICE" "K_CONFIGURATION" "K_REVISION" -}}
{{- if hasKey $given $name -}}
{{- $mistakes = append $mistakes (printf "the function %s sets %s, which is set for it. Leave it out; a function listens on 8080." $function.name $name) -}}
{{- end -}}
{{- end -}}
{{- if $function.mailgun -}}
{{- range $name := list "MAILGUN_API_KEY" "MAILGUN_KEY" "MAILGUN_DOMAIN" "MAILGUN_FROM" "MAILGUN_REPLY" -}}
{{- if hasKey $given $name -}}
{{- $mistakes = append $mistakes (printf "the function %s has mailgun: true, which sets %s, and sets it under %s too. Keep one of them." $function.name $name (get $given $name)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- $own := include "postern.config" . | fromYaml -}}
{{- range $name, $value := $values.extraEnv -}}
{{- if include "postern.soundsSecret" $name -}}
{{- $mistakes = append $mistakes (printf "extraEnv gives %s as plain text. Put it into a secret and name that under extraEnvFromSecrets." $name) -}}
{{- end -}}
{{- if or (hasKey $own $name) (has $name (list "HOSTNAME" "POSTERN_ROLES" "PGHOST" "PGPORT" "PGUSER" "PGDATABASE" "JOBS_SUPPORTED")) (hasPrefix "POSTERN_API_" $name) -}}
{{- $mistakes = append $mistakes (printf "extraEnv sets %s, which this chart sets from another value. See values.yaml." $name) -}}
{{- end -}}
{{- end -}}

{{- if $mistakes -}}
{{- fail (printf "\n\npostern cannot be installed with these values:\n  - %s\n" (join "\n  - " $mistakes)) -}}
{{- end -}}
{{- end -}}

{{/* Not empty when an environment variable of this name is likely to hold a secret. */}}
{{- define "postern.soundsSecret" -}}
{{- if regexMatch "(PASS|PASSWORD|PASSPHRASE|SECRET|TOKEN|KEY|CREDENTIALS|OTLP_HEADERS|DATABASE_URL|LISTEN_URL)$" . -}}yes{{- end -}}
{{- end -}}
