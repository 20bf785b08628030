#!/usr/bin/env bash
# Releasing: tools/release.sh check TAG | notes TAG | dist
#
# check  the tag names the version in gong_exporter/__init__.py, the chart has it, and the changelog says what is in it
# notes  prints that section of the changelog
# dist   builds sdist, wheel and chart into dist/, with the list of parts (CycloneDX) and SHA256SUMS; the same commit
#        gives the same bytes
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
  # The commit's date is the one that the files bear; those of an unpacked sdist bear it already.
  if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
    if [ -e .git ]; then
      SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
    else
      SOURCE_DATE_EPOCH=$(stat -c %Y pyproject.toml)
    fi
  fi
  export SOURCE_DATE_EPOCH
  rm -rf dist
  .venv/bin/python -m hatchling build -d dist >/dev/null 2>&1
  # Helm takes the dates of the files as they lie there, and those are of the checkout.
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  cp -R deploy/kubernetes/gong-exporter "$scratch"
  find "$scratch/gong-exporter" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
  .venv/bin/python -c 'import sys, helm_python; helm_python.package(sys.argv[1], destination="dist")' \
    "$scratch/gong-exporter"
  .venv/bin/python -m tools.sbom dist/gong-exporter.cdx.json
  # The wheel is gong_exporter-..., the chart gong-exporter-...: both are versions of one thing.
  (cd dist && LC_ALL=C && sha256sum -- * >SHA256SUMS && cat SHA256SUMS)
  ;;
*)
  die "check TAG, notes TAG or dist"
  ;;
esac
