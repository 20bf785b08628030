#!/usr/bin/env bash
# Copies rules, dashboards and Alertmanager's routing to where they are needed as well. A Helm chart can hold only what
# is inside its folder; compose has the example's templates and routes, with receivers that send nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
files=deploy/kubernetes/gong-exporter/files
rm -rf "$files"
mkdir -p "$files/rules" "$files/dashboards"
cp prometheus/rules/*.yml "$files/rules/"
cp grafana/dashboards/*.json "$files/dashboards/"

{
  echo '# Alerts are shown at http://localhost:9093 and sent nowhere, until a receiver below has somewhere to'
  echo '# send them to. The rest is ../../prometheus/alertmanager.example.yml, copied by tools/copies.sh.'
  awk '/^templates:/ { print; print "" }
    /^route:/ { routes = 1 }
    /^# A file with slack-/ { next }
    /^receivers:/ { print; only_names = 1; next }
    routes && (!only_names || /^  - name:/)' prometheus/alertmanager.example.yml
} >deploy/compose/alertmanager.yml
