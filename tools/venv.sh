#!/usr/bin/env bash
# Makes a virtual environment with the newest suitable Python: tools/venv.sh FOLDER
set -euo pipefail
folder=$1
minimum='import sys; sys.exit(sys.version_info < (3, 11))'

if [ -x "$folder/bin/python" ] && "$folder/bin/python" -m pip --version >/dev/null 2>&1; then
  exit 0
fi

python=
for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python; do
  if command -v "$candidate" >/dev/null 2>&1 && "$candidate" -c "$minimum" 2>/dev/null; then
    python=$candidate
    break
  fi
done
if [ -z "$python" ]; then
  echo "gong-exporter needs Python 3.11 or newer, and none was found on the PATH (PYTHON=... names one)." >&2
  exit 1
fi

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  # Debian splits venv off its Python.
  as_root=
  [ "$(id -u)" = 0 ] || as_root="sudo -n"
  if command -v apt-get >/dev/null 2>&1 && $as_root true 2>/dev/null; then
    $as_root apt-get update -qq
    $as_root apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
  else
    echo "$python has no venv module; on Debian or Ubuntu: apt install python3-venv" >&2
    exit 1
  fi
fi

echo "Making $folder with $("$python" --version) ..."
"$python" -m venv --clear "$folder"
