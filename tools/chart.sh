#!/usr/bin/env bash
# Copies the alert rules and dashboards into the Helm chart: a chart can hold only what is inside its folder.
set -euo pipefail
cd "$(dirname "$0")/.."
files=deploy/kubernetes/gong-exporter/files
rm -rf "$files"
mkdir -p "$files/rules" "$files/dashboards"
cp prometheus/rules/*.yml "$files/rules/"
cp grafana/dashboards/*.json "$files/dashboards/"
