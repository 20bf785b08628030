#!/usr/bin/env bash
# Walks the systemd installation of docs/deploy.md for real: a small Debian, booted with systemd-nspawn, in which the
# units of deploy/systemd run the exporter against the simulator. As root on Debian; installs what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

work=${XDG_CACHE_HOME:-$HOME/.cache}/gong-exporter-systemd-test
root=$work/root
units=$root/etc/systemd/system
die() { echo "systemd-test: $*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || die "needs root"

missing=()
command -v debootstrap >/dev/null 2>&1 || missing+=(debootstrap debian-archive-keyring)
command -v systemd-nspawn >/dev/null 2>&1 || missing+=(systemd-container)
if [ ${#missing[@]} -gt 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

mkdir -p "$work"
if [ ! -e "$work/made" ]; then
  rm -rf "$root"
  debootstrap --variant=minbase \
    --include=systemd,systemd-sysv,dbus,procps,python3,python3-venv,ca-certificates,curl \
    bookworm "$root" >"$work/debootstrap.log" 2>&1 || die "debootstrap failed, see $work/debootstrap.log"
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  touch "$work/made"
fi

# The commands of the page itself: NUMBER of the block under "## systemd", its keys the simulator's.
commands() {
  awk -v wanted="$1" '
    /^## / { here = ($0 == "## systemd") }
    here && /^```sh$/ { inside = (++block == wanted); next }
    /^```$/ { inside = 0 }
    inside' docs/deploy.md |
    sed 's/YOUR-ACCESS-KEY-SECRET/demo-access-key-secret/; s/YOUR-ACCESS-KEY/DEMO-ACCESS-KEY/'
}

rm -rf "$root/src" "$root/opt/gong-exporter" "$root/etc/gong-exporter" "$root/var/lib/private/gong-exporter" \
  "$units"/gong-exporter* "$root/root/walk.log"
mkdir -p "$root/src"
cp -r gong_exporter deploy pyproject.toml README.md LICENSE requirements.lock requirements-build.lock "$root/src/"
commands 1 | grep -E '^(systemctl|journalctl) ' >"$work/begin"
{
  echo 'set -eu; export SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt; cd /src'
  commands 1 | grep -vE '^(systemctl|journalctl) '
} | chroot "$root" /bin/sh >"$work/install.log" 2>&1 || die "the installation failed, see $work/install.log"
sed -i 's|^gong:|gong:\n  base_url: http://127.0.0.1:8066|' "$root/etc/gong-exporter/config.yaml"

cat >"$units/simulator.service" <<'UNIT'
[Service]
ExecStart=/opt/gong-exporter/bin/gong-exporter simulate
UNIT
mkdir -p "$units/default.target.wants"
ln -sf ../walk.service "$units/default.target.wants/walk.service"
cat >"$units/walk.service" <<'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/root/walk.sh
StandardOutput=append:/root/walk.log
StandardError=append:/root/walk.log
ExecStopPost=/bin/systemctl poweroff
UNIT
cp "$work/begin" "$root/root/begin"
commands 2 >"$root/root/socket"
install -m 0755 /dev/stdin "$root/root/walk.sh" <<'SH'
#!/bin/bash
set -eu -o pipefail
trap 'code=$?; [ $code = 0 ] || { echo "failed at line $LINENO"; journalctl -u gong-exporter --no-pager | tail -n 20; }' EXIT
say() { printf '%-46s %s\n' "$1" "${2-}"; }
seconds() { local from; from=$(date +%s.%N); "$@"; date +%s.%N | awk -v from="$from" '{ printf "%.2f s", $1 - from }'; }
ask() { curl --silent --fail --retry 60 --retry-all-errors --retry-delay 1 "http://127.0.0.1:14664$1"; }
property() { systemctl show --property "$1" --value gong-exporter; }

say systemd "$(systemctl --version | head -n 1)"
systemctl start simulator
sleep 2
bash -eu /root/begin >/dev/null 2>&1
ask /-/ready >/dev/null
[ "$(ask /metrics | awk '$1 == "gong_up" { print $2 }')" = 1.0 ]
say "gong_user_activity" "$(ask /metrics | grep -c '^gong_user_activity{') samples"

status=/proc/$(property MainPID)/status
[ "$(awk '$1 == "Uid:" { print $2 }' "$status")" -ge 61184 ] # a dynamic user
[ "$(awk '$1 == "CapBnd:" { print $2 }' "$status")" = 0000000000000000 ]
[ "$(awk '$1 == "NoNewPrivs:" { print $2 }' "$status")" = 1 ]
[ "$(awk '$1 == "Seccomp:" { print $2 }' "$status")" = 2 ]
say "a dynamic user, no capabilities, seccomp" yes
[ -f /var/lib/gong-exporter/gong-exporter.db ]
! tr '\0' '\n' <"/proc/$(property MainPID)/environ" | grep -iq demo
say "keys from LoadCredential, none in the environment" yes

before=$(ask /metrics | awk '$1 == "gong_exporter_config_last_reload_success_timestamp_seconds" { print $2 }')
sleep 1
systemctl reload gong-exporter
sleep 1
after=$(ask /metrics | awk '$1 == "gong_exporter_config_last_reload_success_timestamp_seconds" { print $2 }')
[ "$before" != "$after" ]
say "systemctl reload" "reads the configuration again"
say "systemctl stop" "$(seconds systemctl stop gong-exporter)"
[ "$(property Result)" = success ]

systemctl start gong-exporter
ask /-/ready >/dev/null
[ "$(ask /metrics | awk '$1 == "gong_exporter_polls_total" { print $2 }')" = 0.0 ]
say "started again" "serves its state, polls nothing"
systemctl stop gong-exporter 2>/dev/null

echo "nonsense: 1" >>/etc/gong-exporter/config.yaml
systemctl start gong-exporter || true
for _ in $(seq 50); do [ "$(property ActiveState)" = failed ] && break; sleep 0.2; done
[ "$(property ActiveState)/$(property ExecMainStatus)/$(property NRestarts)" = failed/2/0 ]
say "a bad configuration" "said once, not restarted"
sed -i '$d' /etc/gong-exporter/config.yaml
systemctl reset-failed gong-exporter

(cd /src && bash -eu /root/socket >/dev/null 2>&1)
say "socket" "$(systemctl is-active gong-exporter.socket)"
ask /-/ready >/dev/null
systemctl stop gong-exporter 2>/dev/null
curl --silent --fail http://127.0.0.1:14664/-/healthy >/dev/null
say "a scrape while it is stopped" "starts it"
( sleep 0.2; curl --silent --fail --max-time 10 http://127.0.0.1:14664/-/healthy >/dev/null ) &
waiting=$!
systemctl restart gong-exporter
wait $waiting
say "a scrape during a restart" "waits, and is answered"
echo passed
SH

timeout 300 systemd-nspawn --directory="$root" --private-network --register=no --keep-unit --machine=gong-systemd-test \
  --boot >"$work/boot.log" 2>&1 </dev/null || die "systemd did not boot, see $work/boot.log"
cat "$root/root/walk.log"
[ "$(tail -n 1 "$root/root/walk.log")" = passed ] || die "see above"
