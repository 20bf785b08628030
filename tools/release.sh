#!/usr/bin/env bash
# Releasing: tools/release.sh check TAG | notes TAG | dist
#
# check  the tag names the version in gong_exporter/__init__.py, the chart has it, and the changelog says what is in it
# notes  prints that section of the changelog
# dist   builds sdist, wheel and chart into dist/, with SHA256SUMS
set -euo pipefail
cd "$(dirname "$0")/.."
die() { echo "release: $*" >&2; exit 1; }

version=$(sed -nE 's/^__version__ = "(.*)"$/\1/p' gong_exporter/__init__.py)

notes() {
  awk -v heading="## $version" '
    index($0, heading " ") == 1 || $0 == heading { inside = 1; next }
    /^## / { inside = 0 }
    inside' CHANGELOG.md
}

case "${1:-}" in
check)
  [ "${2:-}" = "v$version" ] || die "the tag is ${2:-not given}, the version $version"
  for key in version appVersion; do
    grep -qE "^$key: \"?$version\"?\$" deploy/kubernetes/gong-exporter/Chart.yaml || die "$key of the chart is another"
  done
  [ -n "$(notes | tr -d '[:space:]')" ] || die "CHANGELOG.md has no section $version"
  ;;
notes)
  notes
  ;;
dist)
  rm -rf dist
  .venv/bin/python -m hatchling build -d dist >/dev/null 2>&1
  .venv/bin/python -c 'import helm_python; helm_python.package("deploy/kubernetes/gong-exporter", destination="dist")'
  # The wheel is gong_exporter-..., the chart gong-exporter-...: both are versions of one thing.
  (cd dist && sha256sum -- * >SHA256SUMS && cat SHA256SUMS)
  ;;
*)
  die "check TAG, notes TAG or dist"
  ;;
esac
