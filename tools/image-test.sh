#!/usr/bin/env bash
# Builds the image and proves it: read-only, without capabilities and without a shell it polls a simulated Gong,
# is scraped, is found healthy, keeps its state, and stops within two seconds. Prints what it measured.
#
# With a Docker daemon it is a plain `docker build` and `docker run`. Without one, as root on Debian, buildah and
# podman do it (installed if missing), upon a stand-in for the base image that debootstrap makes, so that no image
# registry is needed: Debian's Python in the place of the official image's.
set -euo pipefail
cd "$(dirname "$0")/.."

image=localhost/gong-exporter:test
base=docker.io/library/python:3.13-slim
work=${XDG_CACHE_HOME:-$HOME/.cache}/gong-exporter-image-test
stop_within=2.0
mkdir -p "$work"

say() { printf '%-46s %s\n' "$1" "${2-}"; }
die() { echo "image-test: $*" >&2; exit 1; }

if command -v docker >/dev/null 2>&1 && docker info >/dev/null 2>&1; then
  engine=(docker)
  run_options=()
  strict=(--read-only)
else
  [ "$(id -u)" = 0 ] || die "no Docker daemon, and not root: buildah and podman are used as root here"
  missing=()
  for program in buildah podman debootstrap runc; do
    command -v "$program" >/dev/null 2>&1 || missing+=("$program")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    command -v apt-get >/dev/null 2>&1 || die "missing: ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  fi
  engine=(podman --log-level fatal --cgroup-manager cgroupfs --runtime runc)
  run_options=(--pull=never --ulimit nofile=1024:1024 --ulimit nproc=4096:4096)
  strict=(--read-only --read-only-tmpfs=false) # podman would give it a writable /tmp and /run
  # A storage of our own: no other images are touched, and removing the folder cleans up.
  export CONTAINERS_STORAGE_CONF=$work/storage.conf
  printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n' \
    "$work/storage" "/run/gong-exporter-image-test" >"$CONTAINERS_STORAGE_CONF"
fi

make_base() {
  local root=$work/base
  tools/stand-in.sh "$root" >"$work/debootstrap.log" 2>&1 || die "no base, see $work/debootstrap.log"
  tar -C "$root" -c . | "${engine[@]}" import --quiet \
    --change 'ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt' - "$base" >/dev/null
  rm -rf "$root"
}

# 1. Build

if [ "${engine[0]}" = docker ]; then
  say "base" "$base"
  docker build --quiet --build-arg "VERSION=test" --tag "$image" . >/dev/null
else
  "${engine[@]}" image exists "$base" || make_base
  say "base" "a stand-in for $base (Debian trixie)"
  buildah bud --isolation chroot --format docker --pull-never --layers \
    --build-arg "VERSION=test" --tag "$image" . >"$work/build.log" 2>&1 ||
    { tail -n 30 "$work/build.log" >&2; die "the build failed"; }
fi

bytes() { "${engine[@]}" image inspect --format '{{.Size}}' "$1"; }
megabytes() { awk -v bytes="$1" 'BEGIN { printf "%.1f MB", bytes / 1e6 }'; }
whole=$(bytes "$image")
say "image" "$(megabytes "$whole")"
if below=$(bytes "$base" 2>/dev/null); then # a builder may keep it elsewhere
  say "of which not the base" "$(megabytes $((whole - below)))"
fi

# 2. What it says of itself

config() { "${engine[@]}" image inspect --format "{{json .Config.$1}}" "$image"; }
expect() { # WHAT VALUE WANTED
  [[ $2 == "$3" ]] || die "$1 is $2, not $3"
}
expect user "$(config User)" '"65532:65532"'
expect entrypoint "$(config Entrypoint)" '["gong-exporter"]'
expect ports "$(config ExposedPorts)" '{"14664/tcp":{}}'
expect volumes "$(config Volumes)" '{"/var/lib/gong-exporter":{}}'
[[ $(config Labels) == *'"org.opencontainers.image.version":"test"'* ]] || die "labels: $(config Labels)"
[[ $(config Healthcheck) == *'"CMD","gong-exporter","healthcheck"'* ]] || die "health check: $(config Healthcheck)"

# 3. Run

simulator=gong-exporter-test-simulator
exporter=gong-exporter-test
volume=gong-exporter-test-state
clean() {
  "${engine[@]}" rm --force --volumes "$exporter" >/dev/null 2>&1 || true
  "${engine[@]}" rm --force --volumes "$simulator" >/dev/null 2>&1 || true
  "${engine[@]}" volume rm --force "$volume" >/dev/null 2>&1 || true
}
clean
trap clean EXIT

mkdir -p "$work/etc"
cat >"$work/etc/config.yaml" <<'YAML'
gong:
  base_url: http://127.0.0.1:8066
  access_key_file: /run/secrets/access-key
  access_key_secret_file: /run/secrets/access-key-secret
state:
  file: /var/lib/gong-exporter/gong-exporter.db
YAML
# As published by `gong-exporter simulate`.
printf 'DEMO-ACCESS-KEY' >"$work/etc/access-key"
printf 'demo-access-key-secret' >"$work/etc/access-key-secret"
chown 65532:65532 "$work"/etc/access-key*
chmod 0400 "$work"/etc/access-key*

# Neither file system, capabilities, privileges nor a shell to work with.
run=("${engine[@]}" run --detach "${run_options[@]}" "${strict[@]}" --cap-drop all
  --security-opt no-new-privileges --volume /dev/null:/usr/bin/dash:ro --volume /dev/null:/usr/bin/bash:ro)

"${run[@]}" --name "$simulator" --publish 127.0.0.1::14664 "$image" simulate >/dev/null
address=$("${engine[@]}" port "$simulator" 14664/tcp | head -n 1)

start() {
  "${run[@]}" --name "$exporter" --network "container:$simulator" --volume "$volume:/var/lib/gong-exporter" \
    --volume "$work/etc/config.yaml:/etc/gong-exporter/config.yaml:ro" \
    --volume "$work/etc/access-key:/run/secrets/access-key:ro" \
    --volume "$work/etc/access-key-secret:/run/secrets/access-key-secret:ro" \
    "$image" >/dev/null
}
now() { date +%s.%N; }
since() { awk -v from="$1" -v to="$(now)" 'BEGIN { printf "%.2f", to - from }'; }
ready() { # until there is data to serve
  local _
  for _ in $(seq 300); do
    curl --silent --fail --max-time 5 "http://$address/-/ready" >/dev/null && return
    sleep 0.1
  done
  "${engine[@]}" logs "$exporter" >&2
  die "not ready within 30 s"
}
stop() { # in time, by itself
  local from took code
  from=$(now)
  "${engine[@]}" stop --time 10 "$exporter" >/dev/null
  took=$(since "$from")
  code=$("${engine[@]}" inspect --format '{{.State.ExitCode}}' "$exporter")
  expect "exit status" "$code" 0
  awk -v took="$took" -v most="$stop_within" 'BEGIN { exit !(took < most) }' || die "stopped after $took s"
  say "stopped after SIGTERM ($1)" "$took s"
  "${engine[@]}" rm "$exporter" >/dev/null
}
value() { # METRIC, of the last scrape
  awk -v name="$1" '$1 == name { print $2 }' "$work/metrics"
}

from=$(now)
start
ready
say "ready, from docker run on" "$(since "$from") s"
curl --silent --fail "http://$address/metrics" >"$work/metrics"
expect gong_up "$(value gong_up)" 1.0
samples=$(grep -c '^gong_user_activity{' "$work/metrics") || die "no activity in /metrics"
say "gong_user_activity" "$samples samples"
if command -v promtool >/dev/null 2>&1; then
  promtool check metrics <"$work/metrics" || die "promtool does not like /metrics"
  say "promtool check metrics" clean
fi

from=$(now)
"${engine[@]}" exec "$exporter" gong-exporter healthcheck >/dev/null || die "the health check fails"
say "health check" "passes, $(since "$from") s with the engine's share"
if [ "${engine[0]}" = podman ]; then
  "${engine[@]}" healthcheck run "$exporter" || die "the image's own health check fails"
  say "health check as the engine runs it" passes
fi
"${engine[@]}" exec "$exporter" python -c '
import os, sys
assert os.getuid() == 65532 and os.getpid() != 1, "not the user"
status = dict(line.split(":", 1) for line in open("/proc/1/status"))
assert int(status["CapEff"], 16) == 0 and int(status["CapBnd"], 16) == 0, "capabilities"
assert status["NoNewPrivs"].strip() == "1", "privileges"
for place in ("/", "/tmp", "/etc/gong-exporter", "/opt/gong-exporter"):
    try:
        open(os.path.join(place, "probe"), "w")
    except OSError:
        continue
    sys.exit(f"{place} can be written")
try:
    import pip
except ImportError:
    pass
else:
    sys.exit("pip is in the image")
' || die "more is allowed than should be"
say "read-only, no capabilities, no pip, uid" 65532
# What is in it is what requirements.lock names, and so what a release's list of parts names.
"${engine[@]}" exec "$exporter" python -c '
import re
from importlib.metadata import distributions
for found in distributions():
    print(re.sub("[-_.]+", "-", found.name).lower() + "==" + found.version)' |
  grep -v '^gong-exporter==' | LC_ALL=C sort >"$work/parts"
sed -nE 's/^([a-z0-9-]+==[^ ;]+).*/\1/p' requirements.lock | LC_ALL=C sort >"$work/locked"
diff "$work/locked" "$work/parts" >&2 || die "the image holds (>) other parts than requirements.lock (<)"
say "parts, as locked" "$(wc -l <"$work/parts")"
say "memory" "$("${engine[@]}" exec "$exporter" python -c '
print(next(line.split()[1] for line in open("/proc/1/status") if line.startswith("VmRSS")))') KiB resident"
stop "at rest"

from=$(now)
start
ready
say "ready again, from its state" "$(since "$from") s"
curl --silent --fail "http://$address/metrics" >"$work/metrics"
expect "polls after a restart" "$(value gong_exporter_polls_total)" 0.0
stop "again"

# Gong hangs: the exporter is in the middle of an exchange.
"${engine[@]}" volume rm "$volume" >/dev/null
"${engine[@]}" kill --signal STOP "$simulator" >/dev/null
start
for _ in $(seq 100); do
  curl --silent --fail --max-time 5 "http://$address/-/healthy" >/dev/null && break
  sleep 0.1
done
sleep 0.5
"${engine[@]}" exec "$exporter" gong-exporter healthcheck >/dev/null || die "unhealthy while Gong hangs"
code=$(curl --silent --output /dev/null --write-out '%{http_code}' "http://$address/-/ready")
expect "ready without data" "$code" 503
stop "while Gong hangs"

# Stopped while Python is still importing, when a PID 1 without a handler would not hear it.
start
sleep 0.2
from=$(now)
"${engine[@]}" stop --time 10 "$exporter" >/dev/null
took=$(since "$from")
awk -v took="$took" -v most="$stop_within" 'BEGIN { exit !(took < most) }' || die "stopped after $took s"
say "stopped after SIGTERM (just started)" "$took s"
"${engine[@]}" rm "$exporter" >/dev/null

# 4. As any user ID without an entry in /etc/passwd, in group 0: OpenShift, and `docker run --user`

"${engine[@]}" kill --signal CONT "$simulator" >/dev/null
"${engine[@]}" volume rm --force "$volume" >/dev/null
any_user=(--user 1000660000:0)
[ "${engine[0]}" = docker ] || any_user+=(--passwd=false) # podman would add an entry
run+=("${any_user[@]}")
chown 1000660000 "$work"/etc/access-key*
for polls in 1.0 0.0; do # the second time it has its state
  start
  ready
  curl --silent --fail "http://$address/metrics" >"$work/metrics"
  expect "polls as any user" "$(value gong_exporter_polls_total)" "$polls"
  expect gong_exporter_state_errors_total "$(value gong_exporter_state_errors_total)" 0.0
  "${engine[@]}" exec "$exporter" python -c '
import os, pwd
assert (os.getuid(), os.getgid()) == (1000660000, 0), "not the user"
try:
    pwd.getpwuid(os.getuid())
except KeyError:
    pass
else:
    raise SystemExit("the user has an entry")
assert os.path.getsize("/var/lib/gong-exporter/gong-exporter.db") > 0
' || die "not as any user"
  "${engine[@]}" exec "$exporter" gong-exporter healthcheck >/dev/null || die "unhealthy as any user"
  stop "as any user, after polls: $polls"
done
say "as any user ID" "polls, keeps its state, is healthy"

# 5. As the Helm chart has it run: its mounts and their modes, its user, rights, arguments and probes

as_pod() { # NAME VALUES CODE-OF-METRICS: with these values of the chart
  local path code
  rm -rf "$work/pod"
  .venv/bin/python tools/pod.py "$work/pod" "$image" <<<"$2" >"$work/pod-arguments"
  mapfile -t arguments < <(sed '/^--$/,$d' "$work/pod-arguments")
  "${engine[@]}" run --detach --name "$exporter" "${run_options[@]}" --network "container:$simulator" \
    "${arguments[@]}" >/dev/null
  ready
  code=$(curl --silent --output "$work/metrics" --write-out '%{http_code}' "http://$address/metrics")
  expect "the answer to a scrape without a password ($1)" "$code" "$3"
  [ "$code" != 200 ] || expect gong_up "$(value gong_up)" 1.0
  while read -r path; do
    curl --silent --fail "http://$address$path" >/dev/null || die "the probe of $path fails ($1)"
  done < <(sed '1,/^--$/d' "$work/pod-arguments")
  say "$1" "polls, is ready, passes its probes"
  stop "$1"
  rm -rf "$work/pod"
}
check() { # VALUES: the config check before an upgrade; its exit status
  rm -rf "$work/pod"
  .venv/bin/python tools/pod.py "$work/pod" "$image" check <<<"$1" >"$work/pod-arguments"
  mapfile -t arguments < <(sed '/^--$/,$d' "$work/pod-arguments")
  code=0
  "${engine[@]}" run --rm "${run_options[@]}" --network none "${arguments[@]}" >"$work/check" 2>&1 || code=$?
  rm -rf "$work/pod"
}
gong='"config": {"gong": {"base_url": "http://127.0.0.1:8066"}}'
if [ -x .venv/bin/python ] && .venv/bin/python -c 'import helm_python' 2>/dev/null && [ "$(id -u)" = 0 ]; then
  as_pod "as the chart's pod" "{$gong}" 200
  as_pod "as the chart's pod on OpenShift" \
    "{$gong, \"podSecurityContext\": {\"runAsUser\": null, \"runAsGroup\": null, \"fsGroup\": null}}" 200
  check "{$gong}"
  expect "the config check's exit status" "$code" 0
  check '{"config": {"poll": {"interval": "12h", "stale_after": "12h"}}}'
  expect "the config check's exit status for a mistake" "$code" 2
  grep -q stale_after "$work/check" || die "the config check does not name the mistake"
  say "the chart's config check" "passes, and refuses a mistake"
  as_pod "as the chart's pod with a password" "{$gong, \"webConfig\": {\"existingSecret\": \"web\"}}" 401
else
  say "as the chart's pod" "not tried: needs root and the development environment"
fi

# 6. The image as it is, with nothing mounted

"${engine[@]}" run --rm "${run_options[@]}" "${strict[@]}" --cap-drop all --network none \
  --env GONG_ACCESS_KEY=key --env GONG_ACCESS_KEY_SECRET=secret "$image" check >/dev/null ||
  die "the image's own configuration is not valid"
say "credentials in the environment alone" "a valid configuration"
code=0
"${engine[@]}" run --rm "${run_options[@]}" "${strict[@]}" --network none "$image" >"$work/refused" 2>&1 || code=$?
expect "exit status without credentials" "$code" 2
grep -q access_key "$work/refused" || die "it does not say that credentials are missing"
say "no credentials" "said, exit status 2"

say "compressed, as one archive" "$(megabytes "$("${engine[@]}" save "$image" 2>/dev/null | gzip -6 | wc -c)")"
say "result" passed
