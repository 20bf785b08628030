#!/usr/bin/env bash
# Tries every supported Python that is at hand: tools/pythons.sh [install|test]
#
# install  builds sdist and wheel, and for each Python: installs the wheel with the locked requirements into a clean
#          environment, runs the exporter against the simulator there, scrapes it, stops it.
# test     for each Python: the whole test suite, in an environment of its own under .venv-pythons.
#
# A supported Python that is not found is said; with CI=true, or named in PYTHONS, it is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-install}
read -r -a pytest_args <<<"${PYTEST_ARGS:-}"
supported=(3.11 3.12 3.13 3.14)
read -r -a wanted <<<"${PYTHONS:-${supported[*]}}"

find_python() { # VERSION
  local candidate
  for candidate in "python$1" "$HOME"/.pyenv/versions/"$1".*/bin/python "${PYENV_ROOT:-/nonexistent}"/versions/"$1".*/bin/python; do
    candidate=$(command -v "$candidate" 2>/dev/null) || continue
    # pyenv's shims are there for versions that are not.
    "$candidate" -c "import sys, venv; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" 2>/dev/null || continue
    "$candidate" -c 'import ensurepip' 2>/dev/null || continue # Debian's without python3-venv
    echo "$candidate"
    return
  done
  return 1
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

try_install() { # PYTHON
  local home=$scratch/venv output=$scratch/demo.txt demo url
  rm -rf "$home"
  "$1" -m venv "$home"
  "$home/bin/python" -m pip install --quiet --require-hashes --only-binary=:all: -r requirements.lock
  "$home/bin/python" -m pip install --quiet --no-deps --no-index "$scratch"/dist/*.whl
  "$home/bin/python" -m pip check >/dev/null
  (
    cd "$scratch" # not where the source is
    "$home/bin/gong-exporter" demo --web.listen-address=127.0.0.1:0 >"$output" 2>&1 &
    demo=$!
    trap 'kill "$demo" 2>/dev/null || true' EXIT
    for _ in $(seq 300); do
      url=$(sed -nE 's/^ +Metrics +(http:[^ ]+)$/\1/p' "$output")
      [ -z "$url" ] || break
      kill -0 "$demo" 2>/dev/null || break
      sleep 0.1
    done
    [ -n "$url" ] || { cat "$output" >&2; exit 1; }
    curl --silent --fail "$url" | grep -c '^gong_user_activity{' >samples
    kill -TERM "$demo"
    wait "$demo"
  )
  printf '%-8s %s: %s samples\n' "$version" "$("$home/bin/gong-exporter" --version)" "$(cat "$scratch/samples")"
}

try_test() { # PYTHON
  local home=.venv-pythons/$version
  [ -x "$home/bin/python" ] || "$1" -m venv "$home"
  "$home/bin/python" -m pip install --quiet --require-hashes -r requirements-dev.lock
  "$home/bin/python" -m pip install --quiet --no-deps --no-build-isolation --editable .
  echo "$version: $("$home/bin/python" --version)"
  PYTHON=$home/bin/python tools/test.sh -q "${pytest_args[@]}"
}

if [ "$what" = install ]; then
  .venv/bin/python -m hatchling build -d "$scratch/dist" >/dev/null 2>&1
fi
tried=0
for version in "${wanted[@]}"; do
  if ! python=$(find_python "$version"); then
    echo "$version  not found"
    [ "${CI:-}" != true ] && [ -z "${PYTHONS:-}" ] || exit 1
    continue
  fi
  "try_$what" "$python"
  tried=$((tried + 1))
done
[ "$tried" -gt 0 ]
