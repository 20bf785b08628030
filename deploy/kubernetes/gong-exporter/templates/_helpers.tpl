{{- define "gong-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "gong-exporter.fullname" -}}
{{- $name := include "gong-exporter.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "gong-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "gong-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "gong-exporter.labels" -}}
{{- $ours := dict
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/name" (include "gong-exporter.name" .)
  "app.kubernetes.io/instance" .Release.Name
  "app.kubernetes.io/version" .Chart.AppVersion
  "app.kubernetes.io/managed-by" .Release.Service -}}
{{- toYaml (mergeOverwrite (deepCopy .Values.commonLabels) $ours) -}}
{{- end -}}

{{- define "gong-exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "gong-exporter.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "gong-exporter.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* The job that rules and dashboards look for: its name begins with gong, and is the release's own. */}}
{{- define "gong-exporter.job" -}}
{{- $fullname := include "gong-exporter.fullname" . -}}
{{- if .Values.serviceMonitor.job -}}
{{- .Values.serviceMonitor.job -}}
{{- else if hasPrefix "gong" $fullname -}}
{{- $fullname -}}
{{- else -}}
{{- printf "gong-%s" $fullname -}}
{{- end -}}
{{- end -}}

{{/* The exporter's configuration: the values', and the paths of what is mounted. */}}
{{- define "gong-exporter.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- range $section, $keys := dict
  "gong" (list "access_key" "access_key_file" "access_key_secret" "access_key_secret_file" "bearer_token" "bearer_token_file")
  "activity" (list "roster_file" "email_hash_key_file") -}}
{{- range $keys -}}
{{- if hasKey (default dict (get $config $section)) . -}}
{{- fail (printf "config.%s.%s: the chart sets it; see credentials, roster and emailHashKey" $section .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $gong := default dict $config.gong -}}
{{- $activity := default dict $config.activity -}}
{{- if hasKey $gong "proxy_url" -}}
{{- fail "config.gong.proxy_url may hold a password, and this becomes a ConfigMap; give HTTPS_PROXY from a Secret in extraEnv" -}}
{{- end -}}
{{- if eq .Values.credentials.kind "bearer" -}}
{{- $gong = set $gong "bearer_token_file" "/run/secrets/gong/bearer-token" -}}
{{- else -}}
{{- $gong = set $gong "access_key_file" "/run/secrets/gong/access-key" -}}
{{- $gong = set $gong "access_key_secret_file" "/run/secrets/gong/access-key-secret" -}}
{{- end -}}
{{- if or .Values.roster.existingSecret .Values.roster.existingConfigMap -}}
{{- $activity = set $activity "roster_file" "/run/secrets/roster/roster.csv" -}}
{{- end -}}
{{- if .Values.emailHashKey.existingSecret -}}
{{- $activity = set $activity "email_hash_key_file" "/run/secrets/email/email-hash-key" -}}
{{- end -}}
{{- $state := dict "file" "/var/lib/gong-exporter/gong-exporter.db" -}}
{{- $sections := dict "gong" $gong "state" $state -}}
{{- if $activity -}}{{- $sections = set $sections "activity" $activity -}}{{- end -}}
{{- if $config.poll -}}{{- $sections = set $sections "poll" $config.poll -}}{{- end -}}
{{- toYaml $sections -}}
{{- end -}}
