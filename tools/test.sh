#!/usr/bin/env bash
# Runs the tests on every core, against real servers: [SERVERS=new] tools/test.sh [arguments of pytest]
#
# The servers are those of the machine's Debian. With SERVERS=new, Prometheus, Alertmanager and VictoriaMetrics are
# today's, from Debian's sid; where those cannot be had, the last lines say so and the machine's are tested.
set -euo pipefail
cd "$(dirname "$0")/.."

tools/install-servers.sh
tested="the machine's"
case ${SERVERS:-} in
  "") ;;
  new) if new=$(tools/new-servers.sh); then PATH=$new:$PATH; tested=new; else tested=; fi ;;
  *) echo "SERVERS=$SERVERS: only 'new' is known" >&2; exit 2 ;;
esac

status=0
# Two workers for each core, because many tests wait for a server. PYTEST_ARGS='-n 0' runs them one by one.
workers=(--numprocesses="$((2 * $(nproc)))" --maxprocesses=8 --dist=worksteal)
"${PYTHON:-.venv/bin/python}" -m pytest "${workers[@]}" "$@" || status=$?
if [ -z "$tested" ]; then
  printf '%s\n' "" "*** NOT TESTED: the new Prometheus, Alertmanager and VictoriaMetrics." \
    "*** They cannot be fetched from Debian's sid or do not start here; the reason is above the tests." \
    "*** What ran, ran on the machine's own servers." >&2
fi
exit $status
