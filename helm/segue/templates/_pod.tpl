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

{{/* Variables: the role's name in telemetry, secrets, and what its values say. */}}
{{- define "segue.env" -}}
{{- $role := .role -}}
- name: SEGUE__TELEMETRY__SERVICE
  value: segue-{{ $role }}
{{- range .root.Values.secretSettings }}
{{- if has $role .roles }}
- name: SEGUE__{{ .setting | upper | replace "." "__" }}
  valueFrom:
    secretKeyRef: { name: {{ .secret }}, key: {{ .key }} }
{{- end }}
{{- end }}
{{- range $name, $value := .env }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end -}}

{{- define "segue.mounts" -}}
{{- $role := .role -}}
- { name: config, mountPath: /etc/segue/config, readOnly: true }
- { name: data, mountPath: /var/lib/segue }
- { name: tmp, mountPath: /tmp }
{{- range .root.Values.secretFiles }}
{{- if has $role .roles }}
- { name: {{ .secret }}, mountPath: /etc/segue/secrets/{{ .secret }}, readOnly: true }
{{- end }}
{{- end }}
{{- end -}}

{{- define "segue.volumes" -}}
{{- $role := .role -}}
- name: config
  configMap: { name: {{ .config }} }
- name: data
  emptyDir: { sizeLimit: {{ .dataSize }} }
- name: tmp
  emptyDir: { sizeLimit: 64Mi }
{{- range .root.Values.secretFiles }}
{{- if has $role .roles }}
- name: {{ .secret }}
  secret: { secretName: {{ .secret }}, defaultMode: 0440 }
{{- end }}
{{- end }}
{{- end -}}
