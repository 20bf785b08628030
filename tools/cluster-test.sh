#!/usr/bin/env bash
# Walks the Kubernetes section of docs/deploy.md on a cluster: the page's own commands and values, in a namespace that
# forbids all but restricted pods, against a simulated Gong in a pod beside the exporter.
#
#   tools/cluster-test.sh IMAGE     such as registry.example/gong-exporter:0.2.0, or one that the nodes have already
#                                   (kind load docker-image, minikube image load)
#
# Needs kubectl, helm and openssl, and a context (KUBECONFIG) that may make a namespace. All it makes is in that
# namespace, which is removed at the end. CHART: a chart other than the working tree's.
set -euo pipefail
cd "$(dirname "$0")/.."

image=${1:?an image that the nodes have or can pull}
chart=$(realpath "${CHART:-deploy/kubernetes/gong-exporter}")
page=$PWD/docs/deploy.md
namespace=gong-exporter-test-$$
work=$(mktemp -d)
cd "$work"

say() { printf '%-46s %s\n' "$1" "${2-}"; }
die() { echo "cluster-test: $*" >&2; exit 1; }
kube() { kubectl --namespace "$namespace" "$@"; }
clean() {
  local code=$?
  if [ $code != 0 ]; then
    kube get pods,events >&2 || true
    kube logs deployment/gong-exporter --tail=20 >&2 || true
  fi
  kubectl delete namespace "$namespace" --ignore-not-found >/dev/null || true
  rm -rf "$work"
}
trap clean EXIT

# The page's block NUMBER in LANGUAGE, with the simulator's keys and our namespace.
block() {
  awk -v fence="\`\`\`$1" -v wanted="$2" '
    /^## / { here = ($0 == "## Kubernetes") }
    here && $0 == fence { inside = (++block == wanted); next }
    /^```$/ { inside = 0 }
    inside' "$page" |
    sed -E "s/YOUR-ACCESS-KEY-SECRET/demo-access-key-secret/; s/YOUR-ACCESS-KEY/DEMO-ACCESS-KEY/
      s/(namespace) gong( |\$)/\1 $namespace\2/; s|deploy/kubernetes/gong-exporter|$chart|"
}
seconds() { # that a command takes
  local from
  from=$(date +%s.%N)
  "$@" >/dev/null
  date +%s.%N | awk -v from="$from" '{ printf "%.1f", $1 - from }'
}
# Through the API server, which asks the Service's endpoints; the scheme may stand before its name.
scrape() { kubectl get --raw "/api/v1/namespaces/$namespace/services/${1-}$release:metrics/proxy/metrics"; }
value() { scrape "${2-}" | awk -v name="$1" '$1 == name { print $2 }'; }
until_is() { # METRIC WANTED, within four minutes: the kubelet takes one or two to renew a Secret
  local _
  for _ in $(seq 120); do
    [ "$(value "$1" 2>/dev/null)" = "$2" ] && return
    sleep 2
  done
  die "$1 is $(value "$1"), not $2"
}
pod() { kube get pods --selector "app.kubernetes.io/instance=$release,app.kubernetes.io/name=gong-exporter" "$@"; }
names() { kube get "$1" --selector app.kubernetes.io/instance=gong-exporter --output name; }

kubectl version --output yaml >versions 2>/dev/null
say kubernetes "$(awk '/^[a-z]/ { here = ($1 == "serverVersion:") } here && $1 == "gitVersion:" { print $2 }' versions)"
say helm "$(helm version --short)"

# 1. A namespace for restricted pods only, and a Gong in it

block sh 1 | grep '^kubectl create namespace' | bash -eu >/dev/null
kubectl label namespace "$namespace" pod-security.kubernetes.io/enforce=restricted >/dev/null
kube apply --filename - >/dev/null <<YAML
apiVersion: v1
kind: Pod
metadata: {name: gong-simulator, labels: {app: gong-simulator}}
spec:
  automountServiceAccountToken: false
  securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: simulator
      image: $image
      args: [simulate, --host=0.0.0.0, --requests-per-second=100]
      readinessProbe: {tcpSocket: {port: 8066}, periodSeconds: 1}
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true}
---
apiVersion: v1
kind: Service
metadata: {name: gong-simulator}
spec: {selector: {app: gong-simulator}, ports: [{port: 8066}]}
YAML
kube wait --for=condition=Ready pod/gong-simulator --timeout=120s >/dev/null

# 2. The page, with this image and that Gong

block sh 1 | grep -v '^kubectl create namespace' | bash -eu >/dev/null
block yaml 1 >values.yaml
kubectl get storageclass --output yaml >classes
persistence=$(grep -q 'is-default-class: "true"' classes && echo true || echo false)
kinds=(servicemonitors.monitoring.coreos.com prometheusrules.monitoring.coreos.com)
operator=$(kubectl get crd "${kinds[@]}" >/dev/null 2>&1 && echo true || echo false)
case $image in
  *@*) repository=${image%@*} which="digest: '${image##*@}'" ;;
  *) repository=${image%:*} which="tag: '${image##*:}'" ;;
esac
cat >here.yaml <<YAML
image: {repository: $repository, $which}
config: {gong: {base_url: "http://gong-simulator:8066"}, poll: {interval: 1m}}
persistence: {enabled: $persistence}
serviceMonitor: {enabled: $operator}
prometheusRule: {enabled: $operator}
YAML
say "a default StorageClass, the Operator's CRDs" "$persistence, $operator"
release=gong-exporter
block sh 2 | sed 's/--values values.yaml/& --values here.yaml/' >install
bash -eu install >install.log 2>&1 || { cat install.log >&2; die "the page's commands fail"; }
say "the page's commands" "pass: $(grep -c . install) of them"
until_is gong_up 1.0
say "gong_user_activity, through the Service" "$(scrape | grep -c '^gong_user_activity{') samples"

# 3. New keys without a new pod

before=$(pod --output jsonpath='{.items[*].metadata.uid}')
keys() { # the SECRET half of the pair
  kube create secret generic gong-api --from-literal=access-key=DEMO-ACCESS-KEY --from-literal=access-key-secret="$1" \
    --dry-run=client --output yaml | kube apply --filename - >/dev/null 2>&1
}
keys wrong
until_is gong_up 0.0
keys demo-access-key-secret
until_is gong_up 1.0
[ "$(pod --output jsonpath='{.items[*].metadata.uid}')" = "$before" ] || die "there is another pod"
[ "$(pod --output jsonpath='{.items[*].status.containerStatuses[*].restartCount}')" = 0 ] || die "it was restarted"
say "wrong keys in the Secret, then the right ones" "seen by the next polls of the same pod"

# 4. Upgrade, rollback, restart

upgrade() { helm upgrade --namespace "$namespace" gong-exporter "$chart" --reset-then-reuse-values "$@" >/dev/null; }
rolled_out() { kube rollout status "deployment/$release" --timeout 2m >/dev/null; }
upgrade --set config.poll.interval=2m,podDisruptionBudget.enabled=true,dashboards.enabled=true \
  --set networkPolicy.enabled=true
rolled_out
after=$(pod --output jsonpath='{.items[*].metadata.uid}')
[ "$after" != "$before" ] || die "a changed configuration made no new pod"
say "helm upgrade with a changed configuration" "a new pod"
if [ "$persistence" = true ]; then
  [ "$(value gong_exporter_polls_total)" = 0.0 ] || die "it polled, and had data"
  say "its state, from the claim" "served without a poll"
fi
until_is gong_up 1.0
helm rollback --namespace "$namespace" gong-exporter >/dev/null
rolled_out
kube get configmap gong-exporter --output yaml >rolled-back.yaml
grep -q 'interval: 1m' rolled-back.yaml || die "not rolled back"
say "helm rollback" "the configuration before"
say "kubectl delete pod" "gone after $(seconds kube delete pod --selector app.kubernetes.io/name=gong-exporter) s"
rolled_out

uid=$(pod --output jsonpath='{.items[*].metadata.uid}')
upgrade --set config.poll.interval=12h,config.poll.stale_after=12h 2>refused && die "a wrong configuration was installed"
[ "$(pod --output jsonpath='{.items[*].metadata.uid}')" = "$uid" ] || die "a wrong configuration replaced the pod"
kube logs job/gong-exporter-check >check.log
grep -q stale_after check.log || die "the config check does not name the mistake"
kube delete job/gong-exporter-check configmap/gong-exporter-check >/dev/null
say "helm upgrade with a wrong configuration" "refused, the pod stays"

# 5. More companies in the namespace: one with TLS, one whose Gong does not answer

openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=acme -keyout tls.key -out tls.crt 2>/dev/null
printf 'tls_server_config: {cert_file: tls.crt, key_file: tls.key}\n' >web-config.yml
kube create secret generic web --from-file=tls.key --from-file=tls.crt --from-file=web-config.yml >/dev/null
another() {
  helm upgrade --install --namespace "$namespace" "$1" "$chart" --values here.yaml \
    --set "persistence.enabled=false,prometheusRule.enabled=false,$2" >/dev/null
}
another acme webConfig.existingSecret=web,webConfig.scheme=https
release=acme-gong-exporter
rolled_out
[ "$(value gong_up https:)" = 1.0 ] || die "the exporter with TLS has no data"
say "a second release, with TLS" "passes its probes, is scraped"
another nowhere config.gong.base_url=http://gong-nowhere:8066
release=nowhere-gong-exporter
until_is gong_up 0.0
[ "$(kube get deployment $release --output jsonpath='{.status.readyReplicas}')" = "" ] || die "ready without data"
say "a third, whose Gong does not answer" "not ready, and scraped: gong_up 0"

# 6. Away again

helm uninstall --namespace "$namespace" acme >/dev/null
helm uninstall --namespace "$namespace" nowhere >/dev/null
helm uninstall --namespace "$namespace" gong-exporter --wait >/dev/null 2>&1
claim=$([ "$persistence" = false ] || echo persistentvolumeclaim/gong-exporter)
for _ in $(seq 30); do # Helm waits for what it made, not for the pod
  left=$(names all,configmaps,secrets,serviceaccounts,poddisruptionbudgets,networkpolicies,persistentvolumeclaims)
  [ "$left" != "$claim" ] || break
  sleep 1
done
[ "$left" = "$claim" ] || die "left behind: $left"
say "helm uninstall" "leaves ${left:-nothing}"
say result passed
