"""Sets of values for the chart: each alone, and all of them together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.support.deploy_chart import CHART

Values = dict[str, Any]

EXAMPLES = CHART / "examples"


def example(name: str) -> Values:
    """The values of a file in the chart's folder examples."""
    values: Values = yaml.safe_load(Path(EXAMPLES / name).read_text())
    return values


EVERYTHING: Values = {
    "commonLabels": {"team": "revenue", "tier": "all", "app.kubernetes.io/name": "other"},
    "commonAnnotations": {"note": "common"},
    "image": {"repository": "registry.example/gong-exporter", "digest": "sha256:" + "a" * 64},
    "imagePullSecrets": [{"name": "registry"}],
    "config": {
        "gong": {"base_url": "https://us-1.api.gong.io", "requests_per_second": 0.5},
        "activity": {
            "users": ["234599484848423", {"id": "234599484848424", "team": "NO"}],
            "windows": ["7d", "28d", "wtd"],
            "email_label": "hashed",
            "created_from": "2026-01-01T00:00:00Z",
        },
        "poll": {"cron": "15 * * * *"},
    },
    "roster": {"existingSecret": "people"},
    "emailHashKey": {"existingSecret": "hash"},
    "log": {"level": "debug", "format": "json"},
    "extraArgs": ["--web.enable-lifecycle"],
    "extraEnv": [
        {"name": "HTTPS_PROXY", "valueFrom": {"secretKeyRef": {"name": "proxy", "key": "url"}}}
    ],
    "envFrom": [{"configMapRef": {"name": "company-settings"}}],
    "extraVolumes": [
        {"name": "ca", "configMap": {"name": "company-ca"}},
        {"name": "past", "persistentVolumeClaim": {"claimName": "backfill"}},
    ],
    "extraVolumeMounts": [
        {"name": "ca", "mountPath": "/etc/ca", "readOnly": True},
        {"name": "past", "mountPath": "/backfill"},
    ],
    "persistence": {"enabled": True, "storageClassName": "fast", "annotations": {"backup": "no"}},
    "service": {
        "type": "LoadBalancer",
        "port": 80,
        "labels": {"tier": "services"},
        "annotations": {"internal": "true"},
    },
    "serviceMonitor": {
        "enabled": True,
        "namespace": "observability",
        "labels": {"release": "prometheus", "team": "platform"},
        "annotations": {"note": "monitor"},
        "interval": "30s",
        "job": "gong-acme",
        "targetLabels": {"company": "acme"},
        "relabelings": [{"action": "labeldrop", "regex": "endpoint"}],
        "metricRelabelings": [
            {"action": "drop", "sourceLabels": ["__name__"], "regex": "python_.*"}
        ],
    },
    "prometheusRule": {
        "enabled": True,
        "namespace": "observability",
        "labels": {"role": "alert-rules", "team": "platform"},
        "annotations": {"note": "rules"},
        "disabled": {"GongUnknownUsers": True},
        "alertLabels": {"owner": "sales-ops"},
        "grafanaUrl": "https://grafana.example",
        "alertAnnotations": {"dashboard": "https://grafana.example/d/gong-overview"},
    },
    "alertmanagerConfig": {
        "enabled": True,
        "namespace": "observability",
        "labels": {"alertmanager": "main"},
        "spec": {"route": {"receiver": "all"}, "receivers": [{"name": "all"}]},
    },
    "dashboards": {
        "enabled": True,
        "namespace": "observability",
        "labels": {"team": "platform"},
        "annotations": {"note": "dashboards"},
    },
    "podDisruptionBudget": {"enabled": True},
    "networkPolicy": {
        "enabled": True,
        "from": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}],
        "extraEgress": [{"ports": [{"port": 3128, "protocol": "TCP"}]}],
    },
    "serviceAccount": {"annotations": {"note": "account"}},
    "deploymentAnnotations": {"note": "deployment", "reloader": "true"},
    "podAnnotations": {"note": "pod", "checksum/config": "mine", "helm.sh/hook": "never"},
    "podLabels": {"tier": "exporters", "team": "platform"},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"operator": "Exists"}],
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [
                    {"matchExpressions": [{"key": "pool", "operator": "In", "values": ["tools"]}]}
                ]
            }
        }
    },
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"tier": "exporters"}},
        }
    ],
    "priorityClassName": "low",
    "hostAliases": [{"ip": "192.0.2.1", "hostnames": ["api.gong.io"]}],
    "dnsPolicy": "None",
    "dnsConfig": {"nameservers": ["192.0.2.53"], "options": [{"name": "ndots", "value": "1"}]},
}

SECURED: Values = {
    "webConfig": {"existingSecret": "web", "scheme": "https", "probes": "tcp"},
    "serviceMonitor": {
        "enabled": True,
        "tlsConfig": {"ca": {"secret": {"name": "web", "key": "ca.crt"}}, "serverName": "gong"},
        "basicAuth": {
            "username": {"name": "scrape", "key": "user"},
            "password": {"name": "scrape", "key": "password"},
        },
    },
}

OPENSHIFT: Values = {
    "podSecurityContext": {"runAsUser": None, "runAsGroup": None, "fsGroup": None},
    "networkPolicy": {"enabled": True, "dnsPorts": [5353]},
}

MATRIX: dict[str, Values] = {
    "no values": {},
    "every value": EVERYTHING,
    "a token": {"credentials": {"existingSecret": "token", "kind": "bearer"}},
    "a roster in a ConfigMap": {"roster": {"existingConfigMap": "people", "key": "people.csv"}},
    "TLS, client certificates and probes by TCP": SECURED,
    "TLS": {"webConfig": {"existingSecret": "web", "scheme": "https"}},
    "passwords": {"webConfig": {"existingSecret": "web"}},
    "an existing claim": {"persistence": {"enabled": True, "existingClaim": "old"}},
    "no service account": {"serviceAccount": {"create": False}},
    "an existing service account": {"serviceAccount": {"create": False, "name": "shared"}},
    "long names": {
        "fullnameOverride": "g" * 70,
        "nameOverride": "n" * 63,
        "dashboards": {"enabled": True},
        "networkPolicy": {"enabled": True},
    },
    "names with dots": {"fullnameOverride": "gong.acme.v2", "nameOverride": "gong.v2"},
    "names that YAML takes for numbers": {
        "fullnameOverride": "2026",
        "credentials": {"existingSecret": "1e3"},
        "roster": {"existingSecret": "0123"},
        "persistence": {"enabled": True, "existingClaim": "42", "storageClassName": "7"},
        "priorityClassName": "1000",
        "serviceAccount": {"create": False, "name": "12"},
    },
    "monitors and rules": {
        "serviceMonitor": {"enabled": True},
        "prometheusRule": {"enabled": True},
    },
    "alerts on the exporter alone": {
        "prometheusRule": {"enabled": True, "files": {"activity": False}}
    },
    "dashboards for the Grafana Operator": {
        "dashboards": {"enabled": True, "kind": "GrafanaDashboard"}
    },
    "the example of an AlertmanagerConfig": example("alertmanagerconfig.yaml"),
    "OpenShift": OPENSHIFT,
    "no security contexts": {"podSecurityContext": None, "securityContext": None},
    "no config check": {"configCheck": {"enabled": False}},
}
"""By what is special about each."""
