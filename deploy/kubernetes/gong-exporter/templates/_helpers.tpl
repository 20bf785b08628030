{{- define "gong-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* A Service's name has to be a DNS label that begins with a letter; a release's name need not be one. */}}
{{- define "gong-exporter.fullname" -}}
{{- $name := include "gong-exporter.name" . -}}
{{- $full := .Values.fullnameOverride -}}
{{- if not $full -}}
{{- $full = contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- end -}}
{{- if not (regexMatch "^[a-z]" $full) -}}{{- $full = printf "gong-%s" $full -}}{{- end -}}
{{- regexReplaceAll "-+$" ($full | replace "." "-" | trunc 52) "" -}}
{{- end -}}

{{/* A list of dictionaries as one, in YAML. For a key that several have, the last one wins; null removes a key. */}}
{{- define "gong-exporter.merge" -}}
{{- $all := dict -}}
{{- range . -}}
{{- range $key, $value := . -}}
{{- if kindIs "invalid" $value -}}{{- $all = omit $all $key -}}{{- else -}}{{- $all = set $all $key $value -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $all -}}
{{- end -}}

{{- define "gong-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "gong-exporter.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* The selector labels of a helper pod (suffix: test or check), which no selector of the exporter matches. */}}
{{- define "gong-exporter.helperLabels" -}}
app.kubernetes.io/name: {{ printf "%s-%s" (include "gong-exporter.name" .root | trunc 57 | trimSuffix "-") .suffix | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
{{- end -}}

{{/*
The metadata of an object, of the dictionary's
  root: the chart's context
  name: after the full name and a dash; without it the full name
  namespace: without it the release's
  labels, annotations: lists of dictionaries; later ones win
  selector: labels that win over all others; without it the exporter's
  pod: true in a pod's template, which has neither name nor namespace
*/}}
{{- define "gong-exporter.metadata" -}}
{{- $root := .root -}}
{{- if not .pod -}}
{{- $name := include "gong-exporter.fullname" $root -}}
{{- with .name -}}{{- $name = printf "%s-%s" $name . | trunc 63 | trimSuffix "-" -}}{{- end -}}
name: {{ $name | quote }}
namespace: {{ default $root.Release.Namespace .namespace | quote }}
{{ end -}}
{{- $ours := dict
  "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/version" $root.Chart.AppVersion
  "app.kubernetes.io/managed-by" $root.Release.Service -}}
{{- $selector := default (include "gong-exporter.selectorLabels" $root) .selector | fromYaml -}}
labels:
  {{- include "gong-exporter.merge" (concat (list $root.Values.commonLabels) (default list .labels) (list $ours $selector)) | nindent 2 }}
{{- $annotations := include "gong-exporter.merge" (concat (list $root.Values.commonAnnotations) (default list .annotations)) -}}
{{- if ne $annotations "{}" }}
annotations:
  {{- $annotations | nindent 2 }}
{{- end -}}
{{- end -}}

{{/* What the specs of all pods have in common. */}}
{{- define "gong-exporter.podSpec" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "gong-exporter.merge" (list .Values.podSecurityContext) | nindent 2 }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .Values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.dnsPolicy }}
dnsPolicy: {{ . }}
{{- end }}
{{- with .Values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* What all containers have in common. */}}
{{- define "gong-exporter.container" -}}
image: {{ include "gong-exporter.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
resources:
  {{- include "gong-exporter.merge" (list .Values.resources) | nindent 2 }}
securityContext:
  {{- include "gong-exporter.merge" (list .Values.securityContext) | nindent 2 }}
{{- end -}}

{{/* The exporter's flags, but for --web.config.file, whose Secret the config check does not mount. */}}
{{- define "gong-exporter.args" -}}
- --config.file=/etc/gong-exporter/config.yaml
- --log.level={{ .Values.log.level }}
- --log.format={{ .Values.log.format }}
{{- if .Values.webConfig.existingSecret }}
# The kubelet's probes have no password.
- --web.health-without-password
{{- end }}
{{- if or .Values.roster.existingSecret .Values.roster.existingConfigMap }}
# The roster changes under the pod; a change of the configuration restarts it.
- --config.enable-auto-reload
{{- end }}
{{- range .Values.extraArgs }}
- {{ . | quote }}
{{- end }}
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

{{/* The job that rules and dashboards look for: its name begins with gong and is the release's own. */}}
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

{{/* A duration such as 1m30s in milliseconds. */}}
{{- define "gong-exporter.milliseconds" -}}
{{- $units := dict "ms" 1 "s" 1000 "m" 60000 -}}
{{- $sum := 0 -}}
{{- range regexFindAll "[0-9]+(ms|s|m)" . -1 -}}
{{- $sum = add $sum (mul (regexFind "[0-9]+" . | atoi) (get $units (regexFind "[a-z]+" .))) -}}
{{- end -}}
{{- $sum -}}
{{- end -}}

{{/* Prometheus refuses a timeout that is longer than the interval. */}}
{{- define "gong-exporter.scrapeTimeout" -}}
{{- $interval := include "gong-exporter.milliseconds" .Values.serviceMonitor.interval | atoi -}}
{{- with .Values.serviceMonitor.scrapeTimeout -}}
{{- if gt (include "gong-exporter.milliseconds" . | atoi) $interval -}}
{{- fail (printf "serviceMonitor.scrapeTimeout: %s is longer than the interval (%s)" . $.Values.serviceMonitor.interval) -}}
{{- end -}}
{{- . -}}
{{- else -}}
{{- lt $interval 30000 | ternary .Values.serviceMonitor.interval "30s" -}}
{{- end -}}
{{- end -}}

{{/* The port of config.gong.base_url. */}}
{{- define "gong-exporter.gongPort" -}}
{{- $url := urlParse (default "https://api.gong.io" (default dict (default dict .Values.config).gong).base_url) -}}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- default (eq (lower $url.scheme) "http" | ternary "80" "443") $port -}}
{{- end -}}

{{/* The exporter's configuration: from the values, with the paths of what is mounted. */}}
{{- define "gong-exporter.config" -}}
{{- $config := deepCopy (default dict .Values.config) -}}
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
{{- if $activity.roster -}}
{{- fail "config.activity.roster: a roster comes from one place; leave roster.existingSecret and roster.existingConfigMap empty" -}}
{{- end -}}
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
