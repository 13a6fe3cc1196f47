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

{{/*
The configuration file of one service: flat options, pools as a list. Secrets appear in it only as paths
of mounted files.
*/}}
{{- define "regulars.config" -}}
{{- $values := .root.Values -}}
{{- $config := dict
      "generation" $values.generation
      "shards" (int $values.shards)
      "instances" (int .settings.replicas)
      "kafka_bootstrap" $values.kafka.bootstrap
      "redis_addresses" (list $values.redis.address)
      "grpc_listen" (printf "0.0.0.0:%d" (int $values.ports.grpc))
      "health_listen" (printf "0.0.0.0:%d" (int $values.ports.health))
      "state_dir" "/var/lib/regulars" -}}
{{- $kafka := $values.kafka -}}
{{- $sasl := ne $kafka.sasl.existingSecret "" -}}
{{- if or $sasl $kafka.tls.enabled -}}
{{- $_ := set $config "kafka_security_protocol" (ternary (ternary "sasl_ssl" "ssl" $sasl) "sasl_plaintext" $kafka.tls.enabled) -}}
{{- end -}}
{{- if and $kafka.tls.enabled $kafka.tls.existingSecret -}}
{{- $_ := set $config "kafka_ssl_ca_file" "/etc/regulars/kafka-tls/ca.crt" -}}
{{- if $kafka.tls.clientCertificate -}}
{{- $_ := set $config "kafka_ssl_cert_file" "/etc/regulars/kafka-tls/tls.crt" -}}
{{- $_ := set $config "kafka_ssl_key_file" "/etc/regulars/kafka-tls/tls.key" -}}
{{- end -}}
{{- end -}}
{{- if $sasl -}}
{{- $_ := set $config "kafka_sasl_mechanism" $kafka.sasl.mechanism -}}
{{- $_ := set $config "kafka_sasl_username_file" "/etc/regulars/kafka-sasl/username" -}}
{{- $_ := set $config "kafka_sasl_password_file" "/etc/regulars/kafka-sasl/password" -}}
{{- end -}}
{{- with $values.redis.user -}}
{{- $_ := set $config "redis_user" . -}}
{{- end -}}
{{- if $values.redis.existingSecret -}}
{{- $_ := set $config "redis_password_file" "/etc/regulars/redis/password" -}}
{{- end -}}
{{- if $values.redis.tls.enabled -}}
{{- $_ := set $config "redis_tls" true -}}
{{- if $values.redis.tls.existingSecret -}}
{{- $_ := set $config "redis_tls_ca_file" "/etc/regulars/redis-tls/ca.crt" -}}
{{- end -}}
{{- end -}}
{{- if $values.grpc.tls.enabled -}}
{{- $_ := set $config "grpc_tls_cert_file" "/etc/regulars/grpc-tls/tls.crt" -}}
{{- $_ := set $config "grpc_tls_key_file" "/etc/regulars/grpc-tls/tls.key" -}}
{{- $_ := set $config "grpc_tls_peer_ca_file" "/etc/regulars/grpc-tls/ca.crt" -}}
{{- if $values.grpc.tls.clientCertificates -}}
{{- $_ := set $config "grpc_tls_client_ca_file" "/etc/regulars/grpc-tls/ca.crt" -}}
{{- end -}}
{{- end -}}
{{- $pools := list -}}
{{- range $values.pools -}}
{{- $folder := printf "/etc/regulars/pools/%s" .name -}}
{{- $files := dict
      "pepper_file" (printf "%s/pepper" $folder)
      "seal_key_file" (printf "%s/seal-key" $folder)
      "transport_keys_file" (printf "%s/transport-keys" $folder)
      "kek_file" (printf "%s/kek" $folder)
      "api_keys_file" (printf "%s/api-keys" $folder) -}}
{{- $pools = append $pools (merge (omit . "existingSecret") $files (dict "clock" "live")) -}}
{{- end -}}
{{- $_ := set $config "pools" $pools -}}
{{- toYaml (mergeOverwrite $config (deepCopy .settings.config)) -}}
{{- end -}}

{{/* Secrets as files: [{name, secret, path}] as JSON, for mounts and volumes alike. */}}
{{- define "regulars.secrets" -}}
{{- $values := .Values -}}
{{- $list := list -}}
{{- if and $values.kafka.tls.enabled $values.kafka.tls.existingSecret -}}
{{- $list = append $list (dict "name" "kafka-tls" "secret" $values.kafka.tls.existingSecret "path" "kafka-tls") -}}
{{- end -}}
{{- if $values.kafka.sasl.existingSecret -}}
{{- $list = append $list (dict "name" "kafka-sasl" "secret" $values.kafka.sasl.existingSecret "path" "kafka-sasl") -}}
{{- end -}}
{{- if $values.redis.existingSecret -}}
{{- $list = append $list (dict "name" "redis" "secret" $values.redis.existingSecret "path" "redis") -}}
{{- end -}}
{{- if and $values.redis.tls.enabled $values.redis.tls.existingSecret -}}
{{- $list = append $list (dict "name" "redis-tls" "secret" $values.redis.tls.existingSecret "path" "redis-tls") -}}
{{- end -}}
{{- if $values.grpc.tls.enabled -}}
{{- $list = append $list (dict "name" "grpc-tls" "secret" (required "grpc.tls.existingSecret is required with grpc.tls.enabled" $values.grpc.tls.existingSecret) "path" "grpc-tls") -}}
{{- end -}}
{{- range $values.pools -}}
{{- $list = append $list (dict "name" (printf "pool-%s" .name | trunc 63 | trimSuffix "-") "secret" .existingSecret "path" (printf "pools/%s" .name)) -}}
{{- end -}}
{{- toJson $list -}}
{{- end -}}
