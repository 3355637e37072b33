{{/* What would start and not work: refused here, by sentences that say what to do. */}}

{{/* Settings of which a role needs one, and what it would do without. */}}
{{- define "segue.needs" -}}
- settings: [store.url]
  roles: [identity, song, playlist, encoder, cdc, provision]
  otherwise: each process would keep a database of its own in its pod
- settings: [bus.url]
  roles: [gateway, identity, song, playlist, encoder, search, cdc, provision]
  otherwise: each process would keep queues of its own in its pod
- settings: [index.url]
  roles: [search, provision]
  otherwise: each process would keep an index of its own in its pod
- settings: [blob.azure.connection_string, blob.azure.connection_string_file, blob.azure.account]
  roles: [song, encoder, provision]
  otherwise: each process would keep audio in its pod
- settings: [keys.file, keys.public_file]
  roles: [gateway, identity, song, playlist, encoder, search, cdc, edge, provision]
  otherwise: each process would make keys of its own
  example: /etc/segue/secrets/segue-keys/keys.json
- settings: [blob.reader.endpoint]
  roles: [edge]
  otherwise: edges would look for audio in their pods
  example: https://ACCOUNT.blob.core.windows.net
{{- if has "edge" (include "segue.enabledRoles" . | fromYamlArray) }}
- settings: [song.edges]
  roles: [song]
  otherwise: playback would lead to the gateway, which has no media
  example: '["https://edge.music.example"]'
{{- end }}
{{- end -}}

{{/* Roles that a role cannot start without. */}}
{{- define "segue.leans" -}}
gateway: [identity]
song: [identity]
playlist: [identity, song]
encoder: [identity, song]
search: [identity, song, playlist]
{{- end -}}

{{/* What the file says of a setting, as JSON; nothing when it says nothing: (dict "root" $ "setting" "a.b"). */}}
{{- define "segue.configured" -}}
{{- $value := .root.Values.config -}}
{{- range $key := splitList "." .setting -}}
{{- if kindIs "map" $value }}{{ $value = get $value $key }}{{ end -}}
{{- end -}}
{{- if $value }}{{ toRawJson $value }}{{ end -}}
{{- end -}}

{{/* Something, when a role is given a setting by a variable, a Secret or the file: (dict "root" $ "role" NAME "setting" "a.b"). */}}
{{- define "segue.given" -}}
{{- $values := .root.Values.provision -}}
{{- if ne .role "provision" }}{{ $values = include "segue.role" . | fromYaml }}{{ end -}}
{{- $env := $values.env | default dict -}}
{{- $variable := include "segue.variable" .setting -}}
{{- $secret := get .root.Values.secretSettings .setting -}}
{{- if hasKey $env $variable -}}
{{ get $env $variable }}
{{- else if and $secret (has .role $secret.roles) -}}
a secret
{{- else -}}
{{ include "segue.configured" . }}
{{- end -}}
{{- end -}}

{{/* Sentences about settings that nobody gives. */}}
{{- define "segue.lacking" -}}
{{- $on := include "segue.enabledRoles" . | fromYamlArray -}}
{{- if .Values.provision.enabled }}{{ $on = append $on "provision" }}{{ end -}}
{{- range $need := include "segue.needs" . | fromYamlArray -}}
{{- $lacking := list -}}
{{- range $role := $on -}}
{{- $given := "" -}}
{{- range $setting := $need.settings -}}
{{- $given = print $given (include "segue.given" (dict "root" $ "role" $role "setting" $setting)) -}}
{{- end -}}
{{- if and (has $role $need.roles) (not $given) }}{{ $lacking = append $lacking $role }}{{ end -}}
{{- end -}}
{{- if $lacking -}}
{{- $setting := first $need.settings -}}
{{- $how := printf "name its Secret under secretSettings, with these roles, or set config.%s" $setting -}}
{{- if $need.example }}{{ $how = printf "set config.%s, such as %s" $setting $need.example }}{{ end }}
- {{ printf "%s is missing for %s: %s. Otherwise %s." $setting (join ", " $lacking) $how $need.otherwise | quote }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Sentences about roles that are off and needed. */}}
{{- define "segue.off" -}}
{{- $on := include "segue.enabledRoles" . | fromYamlArray -}}
{{- range $role, $others := include "segue.leans" . | fromYaml -}}
{{- range $other := ternary $others list (has $role $on) -}}
{{- if not (or (has $other $on) (include "segue.given" (dict "root" $ "role" $role "setting" (print "peers." $other)))) }}
- {{ printf "%s needs %s, which is off: turn roles.%s on, or say in config.peers.%s where it is." $role $other $other $other | quote }}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Sentences about secrets in plain text. They would be in a ConfigMap. */}}
{{- define "segue.plain" -}}
{{- $password := `//[^/?"]*:[^/?"]*@|[?&]password=` -}}
{{- $text := `^"` -}}
{{- $secrets := dict -}}
{{- range list "store.url" "store.urls" "store.replicas" "bus.url" "cache.redis.url" "index.url" }}{{ $_ := set $secrets . $password }}{{ end -}}
{{- range list "index.password" "blob.azure.connection_string" "blob.azure.key" "blob.reader.sas" }}{{ $_ := set $secrets . $text }}{{ end -}}
{{- range $setting, $pattern := $secrets -}}
{{- if regexMatch $pattern (include "segue.configured" (dict "root" $ "setting" $setting)) }}
- {{ printf "config.%s is a secret in plain text: put it into a Secret, and name that under secretSettings, or a mounted file as { file: … }." $setting | quote }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "segue.check" -}}
{{- $wrong := list -}}
{{- range list "segue.lacking" "segue.off" "segue.plain" -}}
{{- $wrong = concat $wrong (include . $ | fromYamlArray) -}}
{{- end -}}
{{- if $wrong }}{{ fail (join "\n" (prepend $wrong "these values do not make a mesh.")) }}{{ end -}}
{{- end -}}
