"""Print the arguments of `docker run` with which the chart's pod runs as a kubelet would run it.

    tools/pod.py FOLDER IMAGE < values.json

The pod's files go into FOLDER; every Secret it mounts holds the simulator's credentials. One
argument a line; after the image and its arguments a line with `--`, and the paths of the probes.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import helm_python as helm
import yaml

ROOT = Path(__file__).parents[1]
SECRETS = {"access-key": "DEMO-ACCESS-KEY", "access-key-secret": "demo-access-key-secret"}


def main() -> None:
    """Render, lay out, print."""
    folder, image = Path(sys.argv[1]).absolute(), sys.argv[2]
    objects = render(json.load(sys.stdin))
    pod = objects["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    volumes = {
        volume["name"]: lay_out(folder / volume["name"], volume, objects, pod["securityContext"])
        for volume in pod["volumes"]
    }
    rights, user = container["securityContext"], pod["securityContext"]
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
    probes = [container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")]
    paths = [probe["path"] for probe in probes]
    print("\n".join([*arguments, image, *container["args"], "--", *paths]))


def render(values: dict[str, Any]) -> dict[str, Any]:
    """The release's objects by kind; of several of a kind, the first."""
    with helm.Chart.load(ROOT / "deploy" / "kubernetes" / "gong-exporter") as chart:
        files = chart.render(values, name="gong-exporter", namespace="gong")
    found: dict[str, Any] = {}
    for name, text in files.items():
        for thing in yaml.safe_load_all(text) if name.endswith(".yaml") else ():
            if thing:
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
        files = {item["path"]: SECRETS[item["key"]] for item in source["items"]}
        mode = source["defaultMode"]
    for name, text in files.items():
        file = folder / name
        file.write_text(text)
        os.chown(file, 0, user["fsGroup"])
        file.chmod(mode)
    return folder


if __name__ == "__main__":
    main()
