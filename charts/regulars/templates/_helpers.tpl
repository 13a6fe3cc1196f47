{{/* Name of everything of one service: <release>-<service>. Call with (dict "root" $ "service" "points"). */}}
{{- define "regulars.name" -}}
{{- printf "%s-%s" .root.Release.Name .service | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "regulars.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .service }}
{{- end -}}

{{- define "regulars.labels" -}}
{{ include "regulars.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: regulars
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "regulars.image" -}}
{{- $image := .root.Values.image -}}
{{- $name := printf "%s-%s:%s" $image.repository .service (default .root.Chart.AppVersion $image.tag) -}}
{{- if $image.registry }}{{ printf "%s/%s" $image.registry $name }}{{ else }}{{ $name }}{{ end -}}
{{- end -}}

{{- define "regulars.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default .Release.Name .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* No capability, no root, nothing writable but the mounted volumes. */}}
{{- define "regulars.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "regulars.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* The configuration file of one service. Secrets appear in it only as paths of mounted files. */}}
{{- define "regulars.config" -}}
{{- $values := .root.Values -}}
{{- $kafka := dict "bootstrap" $values.kafka.bootstrap -}}
{{- if $values.kafka.tls.enabled -}}
{{- $tls := dict "enabled" true -}}
{{- if $values.kafka.tls.existingSecret -}}
{{- $_ := set $tls "ca_file" "/etc/regulars/kafka-tls/ca.crt" -}}
{{- $_ := set $tls "cert_file" "/etc/regulars/kafka-tls/tls.crt" -}}
{{- $_ := set $tls "key_file" "/etc/regulars/kafka-tls/tls.key" -}}
{{- end -}}
{{- $_ := set $kafka "tls" $tls -}}
{{- end -}}
{{- $grpc := dict "listen" (printf "0.0.0.0:%d" (int $values.ports.grpc)) -}}
{{- if $values.grpc.tls.enabled -}}
{{- $_ := set $grpc "tls" (dict "enabled" true "cert_file" "/etc/regulars/grpc-tls/tls.crt" "key_file" "/etc/regulars/grpc-tls/tls.key" "ca_file" "/etc/regulars/grpc-tls/ca.crt") -}}
{{- end -}}
{{- $redis := dict "address" $values.redis.address -}}
{{- if $values.redis.existingSecret -}}
{{- $_ := set $redis "password_file" "/etc/regulars/redis/password" -}}
{{- end -}}
{{- $pools := list -}}
{{- range $values.pools -}}
{{- $folder := printf "/etc/regulars/pools/%s" .name -}}
{{- $pools = append $pools (dict "name" .name "clock" (default "live" .clock) "pepper_file" (printf "%s/pepper" $folder) "seal_key_file" (printf "%s/seal-key" $folder) "api_keys_file" (printf "%s/api-keys" $folder)) -}}
{{- end -}}
{{- $config := dict "service" .service "generation" $values.generation "shards" (int $values.shards) "instances" (int .settings.replicas) "kafka" $kafka "redis" $redis "grpc" $grpc "health" (dict "listen" (printf "0.0.0.0:%d" (int $values.ports.health))) "state" (dict "dir" "/var/lib/regulars") "pools" $pools -}}
{{- toYaml (mergeOverwrite $config (deepCopy .settings.config)) -}}
{{- end -}}
