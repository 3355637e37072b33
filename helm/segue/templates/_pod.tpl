{{/* What pods of roles and of the provisioning job have in common: (dict "root" $ "role" NAME …). */}}

{{- define "segue.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* No token of the cluster, no rights on the machine, nothing writable but its own folders. */}}
{{- define "segue.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .Values.runAsUser | int64 }}
  runAsGroup: {{ .Values.runAsUser | int64 }}
  fsGroup: {{ .Values.runAsUser | int64 }}
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "segue.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{/* The variable of a setting. */}}
{{- define "segue.variable" -}}
SEGUE__{{ upper . | replace "." "__" }}
{{- end -}}

{{/* Secrets that a role has as files, each once. */}}
{{- define "segue.secretFiles" -}}
{{- $names := list -}}
{{- range $secret, $file := .root.Values.secretFiles -}}
{{- if and $file (has $.role $file.roles) }}{{ $names = append $names $secret }}{{ end -}}
{{- end -}}
{{- toYaml $names -}}
{{- end -}}

{{/* Variables: the role's name in telemetry, secrets, and what its values say. */}}
{{- define "segue.env" -}}
{{- $role := .role -}}
- name: SEGUE__TELEMETRY__SERVICE
  value: segue-{{ $role }}
{{- range $setting, $from := .root.Values.secretSettings }}
{{- if and $from (has $role $from.roles) }}
- name: {{ include "segue.variable" $setting }}
  valueFrom:
    secretKeyRef: { name: {{ $from.secret }}, key: {{ $from.key }} }
{{- end }}
{{- end }}
{{- range $name, $value := .env }}
- name: {{ $name }}
  value: {{ ternary $value (include "segue.tomlValue" (dict "value" $value)) (kindIs "string" $value) | quote }}
{{- end }}
{{- end -}}

{{- define "segue.mounts" -}}
- { name: config, mountPath: /etc/segue/config, readOnly: true }
- { name: data, mountPath: /var/lib/segue }
- { name: tmp, mountPath: /tmp }
{{- range $index, $secret := include "segue.secretFiles" . | fromYamlArray }}
- { name: secret-{{ $index }}, mountPath: /etc/segue/secrets/{{ $secret }}, readOnly: true }
{{- end }}
{{- end -}}

{{/* Numbered: the name of a Secret may have dots, that of a volume may not. */}}
{{- define "segue.volumes" -}}
- name: config
  configMap: { name: {{ .config }} }
- name: data
  emptyDir: { sizeLimit: {{ .dataSize }} }
- name: tmp
  emptyDir: { sizeLimit: 64Mi }
{{- range $index, $secret := include "segue.secretFiles" . | fromYamlArray }}
- name: secret-{{ $index }}
  secret: { secretName: {{ $secret }}, defaultMode: 0440 }
{{- end }}
{{- end -}}
