#!/usr/bin/env bash
# Writes requirements.lock, requirements-build.lock and requirements-dev.lock: versions and hashes for every supported Python, no URLs.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=$(command -v uv || true)
if [ -z "$uv" ]; then
  .venv/bin/python -m pip install --quiet uv
  uv=.venv/bin/uv
fi
options=(--universal --python-version 3.11 --generate-hashes --no-header --no-annotate
         --no-emit-index-url --no-emit-find-links --quiet)
"$uv" pip compile "${options[@]}" pyproject.toml --output-file requirements.lock "$@"
"$uv" pip compile "${options[@]}" pyproject.toml --group dev --constraints requirements.lock \
  --output-file requirements-dev.lock "$@"
"$uv" pip compile "${options[@]}" --group build --constraints requirements-dev.lock \
  --output-file requirements-build.lock "$@"
grep -nE 'https?://|file:|--(extra-)?index' requirements*.lock && {
  echo "a lock file names a URL" >&2; exit 1; }
exit 0
