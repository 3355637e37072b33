{{/* What a role's values are, its defaults filled in: (dict "root" $ "role" NAME) to YAML. */}}
{{- define "segue.role" -}}
{{- $own := index .root.Values.roles .role | default dict -}}
{{- mergeOverwrite (deepCopy .root.Values.roleDefaults) (deepCopy $own) | toYaml -}}
{{- end -}}

{{/* Names of the roles that are on, as a YAML list, in a fixed order. */}}
{{- define "segue.enabledRoles" -}}
{{- $on := list -}}
{{- range $role := keys .Values.roles | sortAlpha -}}
{{- $values := include "segue.role" (dict "root" $ "role" $role) | fromYaml -}}
{{- if $values.enabled -}}{{- $on = append $on $role -}}{{- end -}}
{{- end -}}
{{- toYaml $on -}}
{{- end -}}
