#!/usr/bin/env bash
# Walks deploy/compose for real, by the commands of its README and a real Docker Compose: the demo with its past, its
# alerts and its dashboards' files; then the profile for a Gong account, the simulator in Gong's place. On a copy, as a
# project of its own; its ports (3000, 9090, 9093, 14664) have to be free.
#
# With a Docker daemon that is all. Without one, as root on Debian, the engine is Debian's own, in a network namespace
# without a way out, and the images that can then not be pulled are stand-ins of their names: Prometheus and
# Alertmanager from Debian, with the users and places of the official ones, and in Grafana's place something that
# reads what is provisioned as Grafana's user.
set -euo pipefail
cd "$(dirname "$0")/.."
top=$PWD
work=${XDG_CACHE_HOME:-$HOME/.cache}/gong-exporter-compose-test
root=$work/root tree=$work/tree space=gong-compose-test
export COMPOSE_PROJECT_NAME=gong-compose-test COMPOSE_FILE=compose.yaml:test.yaml
say() { printf '%-46s %s\n' "$1" "${2-}"; }
die() { echo "compose-test: $*" >&2; exit 1; }
inside=()

engine() { # WHERE FLAG ...: starts Debian's Docker with the flags, after a command that says where
  local -n where=$1
  "${where[@]}" dockerd --data-root "$work/docker" --exec-root "/run/$space" \
    --pidfile "$work/pid" --host "$DOCKER_HOST" --storage-driver overlay2 "${@:2}" >>"$work/docker.log" 2>&1 &
  for _ in $(seq 100); do docker info >/dev/null 2>&1 && return; sleep 0.2; done
  die "Docker did not start, see $work/docker.log"
}
stop_engine() { [ ! -e "$work/pid" ] || { kill "$(cat "$work/pid")" && wait; }; }

stand_in() { # IMAGE LINE ...: the same root by another name, its Dockerfile's lines
  { echo "FROM python:3.13-slim"; printf '%s\n' "${@:2}"; } | docker build --quiet --tag "$1" - >/dev/null 2>>"$work/build.log"
}

own_engine() {
  [ "$(id -u)" = 0 ] || die "no Docker daemon, and not root: its engine is started as root here"
  local program missing=()
  for program in debootstrap iptables runc; do
    command -v "$program" >/dev/null 2>&1 || missing+=("$program")
  done
  [ ${#missing[@]} = 0 ] || { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >/dev/null
  if [ ! -e "$work/made" ]; then
    "$top/tools/stand-in.sh" "$root" tzdata prometheus prometheus-alertmanager \
      docker.io docker-cli docker-compose >"$work/debootstrap.log" 2>&1 || die "see $work/debootstrap.log"
    ln -s prometheus-alertmanager "$root/usr/bin/alertmanager"
    install -d -o 65534 -g 65534 "$root/prometheus" "$root/alertmanager"
    install -d -o 472 -g 0 -m 0777 "$root/var/lib/grafana"
    install -d "$root/etc/grafana/provisioning/"{dashboards,datasources,plugins,alerting}
    touch "$work/made"
  fi
  export DOCKER_HOST=unix://$work/socket DOCKER_CONFIG=$work/client DOCKER_BUILDKIT=0 PATH=$work/bin:$PATH
  mkdir -p "$DOCKER_CONFIG/cli-plugins" "$work/bin"
  ln -sf "$root/usr/libexec/docker/cli-plugins/docker-compose" "$DOCKER_CONFIG/cli-plugins/"
  ln -sf "$root"/usr/*bin/{dockerd,docker,docker-proxy,containerd,containerd-shim-runc-v2} "$work/bin/"
  local outside=(nice)
  engine outside --bridge=none --iptables=false --ip6tables=false # for what a build fetches
  docker image inspect python:3.13-slim >/dev/null 2>&1 ||
    tar -C "$root" --exclude=./usr/*bin/{dockerd,containerd*,docker} -c . |
    docker import --change 'ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt' - python:3.13-slim >/dev/null
  local image
  for image in $(docker compose --profile demo config --images); do
    case $image in
      prom/prometheus:*) stand_in "$image" 'USER nobody' 'WORKDIR /prometheus' 'VOLUME /prometheus' \
        'ENTRYPOINT ["/bin/prometheus"]' ;;
      prom/alertmanager:*) stand_in "$image" 'USER nobody' 'WORKDIR /alertmanager' 'VOLUME /alertmanager' \
        'ENTRYPOINT ["/bin/alertmanager"]' ;;
      grafana/grafana:*) stand_in "$image" 'USER 472' 'ENTRYPOINT ["/bin/sh", "-euc"]' \
        "CMD [\"cd /etc/grafana; cat provisioning/*/*.yaml dashboards/*.json \$GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH >/var/lib/grafana/read; \
          ls provisioning/plugins provisioning/alerting; echo all read; exec sleep infinity\"]" ;;
    esac
  done
  docker build --quiet --network host --tag gong-exporter "$tree" >"$work/build.log" 2>&1 || die "see $work/build.log"
  stop_engine
  ip netns add "$space"
  inside=(nsenter "--net=/run/netns/$space")
  "${inside[@]}" ip link set lo up
  engine inside
}

finish() {
  docker compose --profile demo --profile gong down --volumes --timeout 2 >/dev/null 2>&1 || true
  [ "${DOCKER_HOST-}" != "unix://$work/socket" ] || {
    stop_engine
    umount "/run/$space/netns/default" 2>/dev/null || true
    ip netns delete "$space" 2>/dev/null || true
  }
}

ask() { "${inside[@]}" curl --silent --fail --max-time 10 "http://localhost:$@"; }
until_said() { # WHAT PATTERN PORT/PATH CURL-OPTION ...: waits for an answer that has it
  local from=$SECONDS answer=
  while ! answer=$(ask "${@:3}") || ! grep -qE "$2" <<<"$answer"; do
    [ $((SECONDS - from)) -lt 240 ] || die "$1: not within 240 s, at last: $answer"
    sleep 1
  done
  say "$1" "after $((SECONDS - started)) s"
}
query() { until_said "$1" '"result":\[\{' 9090/api/v1/query --data-urlencode "query=$2"; }
value() { ask 14664/metrics | awk -v name="$1" '$1 == name { print $2 }'; }
up() { started=$SECONDS; docker compose --profile "$1" up --detach >"$work/up.log" 2>&1 || die "see $work/up.log"; }

rm -rf "$tree" "$work/docker.log"
mkdir -p "$tree"
cp -r gong_exporter deploy grafana prometheus Dockerfile .dockerignore pyproject.toml README.md LICENSE \
  requirements.lock requirements-build.lock "$tree/"
cd "$tree/deploy/compose"
rm -f secrets/*
# In the copy the simulator is there for both profiles.
cat >test.yaml <<'YAML'
services:
  simulator: {profiles: [gong, demo]}
  gong-exporter: {depends_on: [simulator]}
YAML
sed -i 's|^gong:|gong:\n  base_url: http://simulator:8066|' config.yaml
trap finish EXIT
if docker compose version >/dev/null 2>&1 && docker info >/dev/null 2>&1; then
  say engine "the Docker daemon that is here"
else
  own_engine
  say engine "Debian's, with stand-ins for the images of Prometheus, Alertmanager and Grafana"
fi
say Docker "$(docker version --format '{{.Server.Version}}'), Compose $(docker compose version --short)"

# 1. The demo

up demo
say "up --detach" "$((SECONDS - started)) s: everything healthy, the past fetched"
ask 14664/metrics >"$work/metrics"
say gong_user_activity "$(grep -c '^gong_user_activity{' "$work/metrics") samples"
query "Prometheus scrapes it" 'up == 1'
query "eight weeks are in Prometheus" \
  'count(count_over_time(gong_user_activity{window="7d",metric="calls_as_host"}[58d]) >= 56) > 40'
[ ${#inside[@]} = 0 ] || docker compose logs grafana 2>&1 | grep -q 'all read' || die "Grafana cannot read its files"
if [[ $(date +%m%d) > 0131 && $(date +%m%d) < 1224 ]]; then # when there is enough to compare with
  until_said "a team's drop is pending" GongTeamActivityDrop 9090/api/v1/alerts
  # What would fire after a quarter of an hour, after none: to see it arrive.
  sed -i 's/for: 15m/for: 0s/' ../../prometheus/rules/gong-activity.yml
  docker compose kill --signal HUP prometheus >/dev/null 2>&1
  until_said "the alert is at Alertmanager, and a link" \
    'GongTeamActivityDrop.*http://localhost:9090/graph|http://localhost:9090/graph.*GongTeamActivityDrop' 9093/api/v2/alerts
fi

docker compose --profile demo down >/dev/null 2>&1
[ -z "$(docker volume ls --quiet | grep -E '^[0-9a-f]{64}$' || true)" ] || [ ${#inside[@]} = 0 ] || die "a volume without a name"
up demo
say "down, and up again" "$((SECONDS - started)) s"
[ "$(value gong_exporter_polls_total)" = 0.0 ] || die "it polled again"
query "the eight weeks are still there" 'count(count_over_time(gong_user_activity{window="28d"}[58d]) >= 56) > 40'
docker compose --profile demo down --volumes >/dev/null 2>&1
[ -z "$(docker volume ls --quiet --filter "name=^${COMPOSE_PROJECT_NAME}_")" ] || die "down --volumes leaves some"

# 2. With an account: the README's own commands, its keys the simulator's

awk '/^## With your own/ { here = 1 } here && /^```sh$/ { inside = 1; next } /^```$/ { if (inside) exit } inside' README.md |
  sed 's/YOUR-ACCESS-KEY-SECRET/demo-access-key-secret/; s/YOUR-ACCESS-KEY/DEMO-ACCESS-KEY/' >begin
started=$SECONDS
bash -eu begin >"$work/begin.log" 2>&1 || die "the README's commands fail, see $work/begin.log"
grep -q 'key, scope and host are right' "$work/begin.log" || die "check --live is silent"
until_said "polled with keys from secrets/" '^gong_up 1' 14664/metrics
printf 'poll:\n  interval: 2h\n' >>config.yaml
docker compose --profile gong restart gong-exporter >/dev/null 2>&1
until_said "a restart reads the configuration" '^gong_exporter_poll_interval_seconds 7200' 14664/metrics
[ "$(value gong_exporter_polls_total)" = 0.0 ] || die "a restart polled again"
say "and polls nothing" yes
docker compose --profile gong stop >/dev/null 2>&1
codes=$(docker compose --profile gong ps --all --format '{{.Service}} {{.ExitCode}}' | grep gong-exporter)
[ "$codes" = "gong-exporter 0" ] || die "stopped with: $codes"
say result passed
