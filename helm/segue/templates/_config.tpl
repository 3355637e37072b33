{{/* The port of every role. */}}
{{- define "segue.port" -}}4420{{- end -}}

{{/* segue.toml: what the chart knows, then what the values say. */}}
{{- define "segue.config" -}}
{{- $peers := dict -}}
{{- range $role := list "identity" "song" "playlist" "encoder" "search" -}}
{{- if has $role (include "segue.enabledRoles" $ | fromYamlArray) -}}
{{- $url := printf "http://%s-%s.%s.svc:%s" (include "segue.fullname" $) $role $.Release.Namespace (include "segue.port" $) -}}
{{- $_ := set $peers $role $url -}}
{{- end -}}
{{- end -}}
{{- $process := dict "listen" "0.0.0.0" "port" (include "segue.port" . | float64) "data" "/var/lib/segue" -}}
{{- $own := dict "process" $process "peers" $peers -}}
{{- include "segue.toml" (dict "sections" (mergeOverwrite $own (deepCopy .Values.config))) -}}
{{- end -}}
