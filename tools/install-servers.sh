#!/usr/bin/env bash
# Installs the real servers that the tests talk to, or the packages given, on Debian, when it may: as root or with
# passwordless sudo. Otherwise it says what is missing; tests then skip those, and fail instead under CI=true.
set -euo pipefail

# command:package
wanted=(
  prometheus:prometheus promtool:prometheus
  prometheus-alertmanager:prometheus-alertmanager amtool:prometheus-alertmanager
  victoria-metrics:victoria-metrics nginx:nginx-light chromium:chromium
  curl:curl sqlite3:sqlite3 systemd-analyze:systemd
)

missing=()
for pair in "${wanted[@]}"; do
  [ $# -eq 0 ] || [[ " $* " == *" ${pair##*:} "* ]] || continue
  command -v "${pair%%:*}" >/dev/null 2>&1 || [ -x "/usr/sbin/${pair%%:*}" ] || missing+=("${pair##*:}")
done
[ ${#missing[@]} -eq 0 ] && exit 0
mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)

as_root=
[ "$(id -u)" = 0 ] || as_root="sudo -n"
if ! command -v apt-get >/dev/null 2>&1 || ! $as_root true 2>/dev/null; then
  echo "*** Not installed, and not allowed to install: ${missing[*]}" >&2
  [ $# -gt 0 ] || echo "*** Tests that need them are SKIPPED." >&2
  exit 0
fi

# The packages start their services when installed; the tests start their own on free ports.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
  $as_root chmod 755 "$policy"
  # shellcheck disable=SC2064  # expanded now on purpose
  trap "$as_root rm -f $policy" EXIT
fi
echo "Installing: ${missing[*]} ..."
$as_root apt-get update -qq
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
