"""Print the arguments of `docker run` with which the chart's pod runs as a kubelet would run it.

    tools/pod.py FOLDER IMAGE < values.json          the exporter
    tools/pod.py FOLDER IMAGE check < values.json    the config check before an upgrade

The pod's files go into FOLDER. Every Secret it mounts holds the simulator's credentials; a web
configuration has a user without a known password. Where the values leave user and groups open, they
are as OpenShift assigns them. One argument a line; after the image and its arguments a line with
`--`, and the paths of the probes.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import bcrypt
import helm_python as helm
import yaml

ROOT = Path(__file__).parents[1]
SECRETS = {"access-key": "DEMO-ACCESS-KEY", "access-key-secret": "demo-access-key-secret"}
ASSIGNED = {"runAsUser": 1000660000, "runAsGroup": 0, "fsGroup": 1000660000}
"""Of OpenShift's restricted-v2: a user ID of the namespace, group 0, and a group for volumes."""


def main() -> None:
    """Render, lay out, print."""
    folder, image = Path(sys.argv[1]).absolute(), sys.argv[2]
    check = sys.argv[3:] == ["check"]
    objects = render(json.load(sys.stdin), hooks=check)
    pod = objects["Job" if check else "Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    rights, user = container["securityContext"], ASSIGNED | pod["securityContext"]
    volumes = {
        volume["name"]: lay_out(folder / volume["name"], volume, objects, user)
        for volume in pod["volumes"]
    }
    arguments = [
        f"--user={user['runAsUser']}:{user['runAsGroup']}",
        f"--group-add={user['fsGroup']}",
        *(f"--cap-drop={name}" for name in rights["capabilities"]["drop"]),
        *(["--read-only"] if rights["readOnlyRootFilesystem"] else []),
        *([] if rights["allowPrivilegeEscalation"] else ["--security-opt=no-new-privileges"]),
    ]
    for mount in container["volumeMounts"]:
        source = volumes[mount["name"]] / mount.get("subPath", "")
        mode = ":ro" if mount.get("readOnly") else ""
        arguments.append(f"--volume={source}:{mount['mountPath']}{mode}")
    probes = ("startupProbe", "livenessProbe", "readinessProbe")
    paths = [container[probe]["httpGet"]["path"] for probe in probes if probe in container]
    print("\n".join([*arguments, image, *container["args"], "--", *paths]))


def render(values: dict[str, Any], *, hooks: bool) -> dict[str, Any]:
    """The release's objects by kind, or its hooks; of several of a kind, the first."""
    with helm.Chart.load(ROOT / "deploy" / "kubernetes" / "gong-exporter") as chart:
        files = chart.render(values, name="gong-exporter", namespace="gong")
    found: dict[str, Any] = {}
    for name, text in files.items():
        for thing in yaml.safe_load_all(text) if name.endswith(".yaml") else ():
            if thing and hooks == ("helm.sh/hook" in thing["metadata"].get("annotations", {})):
                found.setdefault(thing["kind"], thing)
    return found


def lay_out(
    folder: Path, volume: dict[str, Any], objects: dict[str, Any], user: dict[str, Any]
) -> Path:
    """A volume's folder, with the owner and the modes that a kubelet gives it."""
    folder.mkdir(parents=True)
    if "emptyDir" in volume:
        os.chown(folder, 0, user["fsGroup"])
        folder.chmod(0o2777)
        return folder
    if "configMap" in volume:
        files, mode = objects["ConfigMap"]["data"], 0o644
    else:
        source = volume["secret"]
        items = source.get("items")
        files = {item["path"]: SECRETS[item["key"]] for item in items} if items else web_config()
        mode = source["defaultMode"]
    for name, text in files.items():
        file = folder / name
        file.write_text(text)
        os.chown(file, 0, user["fsGroup"])
        file.chmod(mode)
    return folder


def web_config() -> dict[str, str]:
    """A web configuration's file, with a password that is not kept."""
    password = bcrypt.hashpw(os.urandom(16).hex().encode(), bcrypt.gensalt(4)).decode()
    return {"web-config.yml": f"basic_auth_users:\n  prometheus: {password}\n"}


if __name__ == "__main__":
    main()
