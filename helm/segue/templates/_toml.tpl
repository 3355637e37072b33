{{/* TOML, as values are YAML. Helm's own toToml would write 4420.0 for a port, since YAML's numbers come as floats. */}}

{{/* One value: (dict "value" V). */}}
{{- define "segue.tomlValue" -}}
{{- $value := .value -}}
{{- if kindIs "map" $value -}}
{{- $pairs := list -}}
{{- range $key, $inner := $value -}}
{{- $pairs = append $pairs (printf "%s = %s" $key (include "segue.tomlValue" (dict "value" $inner))) -}}
{{- end -}}
{ {{ join ", " $pairs }} }
{{- else if kindIs "slice" $value -}}
{{- $items := list -}}
{{- range $inner := $value -}}
{{- $items = append $items (include "segue.tomlValue" (dict "value" $inner)) -}}
{{- end -}}
[{{ join ", " $items }}]
{{- else if kindIs "float64" $value -}}
{{- if eq (floor $value) $value }}{{ int64 $value }}{{ else }}{{ $value }}{{ end -}}
{{- else -}}
{{- toJson $value -}}
{{- end -}}
{{- end -}}

{{/* Sections of a file: (dict "sections" MAP). */}}
{{- define "segue.toml" -}}
{{- range $section, $settings := .sections }}
[{{ $section }}]
{{- range $key, $value := $settings }}
{{ $key }} = {{ include "segue.tomlValue" (dict "value" $value) }}
{{- end }}
{{ end -}}
{{- end -}}
