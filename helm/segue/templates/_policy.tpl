{{/* Where a pod may go: names, the roles that it calls, its engines. (dict "root" $ "calls" LIST "engines" LIST) */}}
{{- define "segue.egress" -}}
{{- $root := .root -}}
{{- with $root.Values.networkPolicies.dns -}}
- ports:
    {{- range .ports }}
    - { protocol: UDP, port: {{ int64 . }} }
    - { protocol: TCP, port: {{ int64 . }} }
    {{- end }}
  {{- with .peers }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- range $callee := .calls }}
- to:
    - podSelector:
        matchLabels:
          {{- include "segue.selector" (dict "root" $root "role" $callee) | nindent 10 }}
  ports:
    - { protocol: TCP, port: {{ include "segue.port" $root }} }
{{- end }}
{{- range $name := .engines }}
{{- $engine := required (printf "a role needs the engine %q, which is not under engines" $name) (index $root.Values.engines $name) }}
- ports:
    {{- range $engine.ports }}
    - { protocol: TCP, port: {{ int64 . }} }
    {{- end }}
  {{- with $engine.peers }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end -}}
