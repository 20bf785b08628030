#!/usr/bin/env bash
# Fetches today's Prometheus, Alertmanager and VictoriaMetrics from Debian's sid and prints the folder of their programs.
#
# Nothing is installed: apt-get works with a configuration of its own, dpkg unpacks into ${XDG_CACHE_HOME:-~/.cache}.
# The mirror is the machine's; Debian's archive key has to have signed what it serves. Ends with 1 where the packages
# cannot be fetched and none are left from an earlier run, or where their programs do not start.
set -euo pipefail

packages=(prometheus promtool prometheus-alertmanager victoria-metrics)
programs=(prometheus promtool prometheus-alertmanager amtool victoria-metrics vmagent vmalert)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/gong-exporter/new-servers

for program in apt-get dpkg flock; do
  command -v "$program" >/dev/null || { echo "no $program here" >&2; exit 1; }
done
keyring=$(ls /usr/share/keyrings/debian-archive-keyring.{gpg,pgp} 2>/dev/null | head -n 1) || true
[ -n "$keyring" ] || { echo "no archive key of Debian here" >&2; exit 1; }

mkdir -p "$cache"/{lists,archives}/partial
exec 9>"$cache/lock"
flock 9

cat >"$cache/apt.conf" <<EOF
Dir::Etc::sourcelist "$cache/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State "$cache";
Dir::State::lists "$cache/lists";
Dir::State::status "/dev/null";
Dir::Cache "$cache";
Dir::Cache::archives "$cache/archives";
Acquire::AllowInsecureRepositories "false";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "30";
APT::Get::AllowUnauthenticated "false";
APT::Sandbox::User "root"; // the sandbox's user cannot enter a home folder
APT::Update::Error-Mode "any";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
EOF
apt=(timeout 300 apt-get -c "$cache/apt.conf" -qq)

fetch() {
  local mirror uris folder deb
  for mirror in $(apt-get indextargets --format '$(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
    sed -n 's/^main //p' | sort -u); do
    echo "deb [signed-by=$keyring] $mirror sid main" >"$cache/sources.list"
    "${apt[@]}" update >"$cache/update.log" 2>&1 || continue
    uris=$("${apt[@]}" download --print-uris "${packages[@]}") || continue
    folder=$cache/servers-$(sha256sum <<<"$uris" | cut -c 1-16)
    if [ ! -d "$folder" ]; then
      echo "Fetching from Debian's sid: ${packages[*]} ..." >&2
      rm -rf "$cache/unpacked"
      mkdir "$cache/unpacked"
      (cd "$cache/archives" && rm -f ./*.deb && "${apt[@]}" download "${packages[@]}") || continue
      for deb in "$cache"/archives/*.deb; do
        dpkg -x "$deb" "$cache/unpacked"
        dpkg-deb -W --showformat '${Package} ${Version}\n' "$deb" >>"$cache/unpacked/versions"
      done
      rm "$cache"/archives/*.deb
      mv "$cache/unpacked" "$folder"
    fi
    touch "$folder" # the newest, whenever it was unpacked
    return 0
  done
  return 1
}

fetch || { [ ! -s "$cache/update.log" ] || tail -n 5 "$cache/update.log"; echo "cannot fetch the packages now"; } >&2
newest=$(ls -dt "$cache"/servers-*/ 2>/dev/null | head -n 1) || true
[ -n "$newest" ] || exit 1
touch "$newest"
find "$cache" -maxdepth 1 -name 'servers-*' -mtime +30 -exec rm -rf {} + # of earlier versions

for program in "${programs[@]}"; do
  "$newest/usr/bin/$program" --version >/dev/null 2>"$cache/start.log" ||
    { echo "$program does not start: $(tail -n 1 "$cache/start.log")" >&2; exit 1; }
done
echo "Servers of Debian's sid: $(paste -sd ' ' "$newest/versions")" >&2
echo "${newest%/}/usr/bin"
