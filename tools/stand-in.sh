#!/usr/bin/env bash
# Makes a folder that stands for the image python:3.13-slim where no image can be pulled, of Debian's
# own Python, with more of Debian's packages if wanted: tools/stand-in.sh FOLDER [PACKAGE ...]
# As root; needs debootstrap.
set -euo pipefail
root=$1
shift
packages=(ca-certificates python3 python3-venv python3-pip "$@")
rm -rf "$root"
debootstrap --variant=minbase --include="$(IFS=,; echo "${packages[*]}")" trixie "$root"
ln -s /usr/bin/python3 "$root/usr/local/bin/python3"
ln -s /usr/bin/python3 "$root/usr/local/bin/python"
ln -s /usr/bin/pip3 "$root/usr/local/bin/pip"
rm -f "$root"/usr/lib/python3.*/EXTERNALLY-MANAGED
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
# Python's packages come from where this machine takes its own.
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
echo '[global]' >"$root/etc/pip.conf"
for key in index-url extra-index-url trusted-host proxy; do
  value=$(python3 -m pip config get "global.$key" 2>/dev/null) || continue
  [[ $value == *file:* ]] || echo "$key = $value" >>"$root/etc/pip.conf"
done
