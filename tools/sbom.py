"""Write the list of a release's parts (SBOM): what `requirements.lock` installs, as CycloneDX.

    SOURCE_DATE_EPOCH=1700000000 python -m tools.sbom dist/gong-exporter.cdx.json

The lock says which versions and which files; their licences and what they require are in what is
installed here, which has to be the same versions. The same commit gives the same bytes, whatever
the machine and its Python: the date is given, and the serial number is made of what goes in.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
import tomllib
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License, LicenseAcknowledgement
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.spdx import fixup_id, is_expression
from packageurl import PackageURL
from packaging.requirements import Requirement

from gong_exporter import __version__

ROOT = Path(__file__).parents[1]

_PIN = re.compile(r"([a-z0-9-]+)==([^\s;]+)((?: --hash=sha256:[0-9a-f]{64})+)")
_HASH = re.compile(r"sha256:([0-9a-f]{64})")
_PART = re.compile(r"[-_.]+")

_LICENCES = {"License :: OSI Approved :: MIT License": "MIT"}
"""Classifiers that stand for one licence. Most do not: "BSD License" may be any of four."""

_READ = {"cronsim": "BSD-3-Clause"}
"""Licences that were read in a package's licence file, because its metadata name none exactly."""

_WHERE = {
    "extra": "",
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.11.0",
    "python_version": "3.11",
    "sys_platform": "linux",
}
"""What requirements are read for: the oldest supported Python, which requires the most."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A package in a lock file.

    Attributes:
        name: normalised, with hyphens.
        version: as it is locked.
        hashes: SHA-256 in hex of each file that may be installed, in the order of the lock.
    """

    name: str
    version: str
    hashes: tuple[str, ...]

    @property
    def purl(self) -> PackageURL:
        """Its name the world over."""
        return PackageURL("pypi", None, self.name, self.version)


@dataclass(frozen=True, slots=True)
class About:
    """What a package says of itself.

    Attributes:
        version: that is installed.
        licence: an SPDX expression or identifier; None when it names none that is sure.
        requires: normalised names of the packages that it requires on Linux, extras left out.
    """

    version: str
    licence: str | None
    requires: tuple[str, ...]


def read_lock(text: str) -> tuple[Pin, ...]:
    """The packages of a lock file.

    Raises:
        ValueError: a line is no ``name==version`` with hashes. Better no list than one with a gap.
    """
    pins = []
    for line in text.replace(" \\\n", " ").splitlines():
        found = _PIN.fullmatch(re.sub(r" +", " ", line))
        if found is None:
            raise ValueError(f"not a package with its hashes: {line[:80]}")
        pins.append(Pin(found[1], found[2], tuple(_HASH.findall(found[3]))))
    return tuple(pins)


def installed(name: str) -> About:
    """What is installed here under a name.

    Raises:
        importlib.metadata.PackageNotFoundError: nothing is.
    """
    about = importlib.metadata.metadata(name)
    return About(
        version=about["Version"],
        licence=_READ.get(name)
        or licence(
            [*(about.get_all("License-Expression") or ()), *(about.get_all("License") or ())],
            about.get_all("Classifier") or (),
        ),
        requires=required(about.get_all("Requires-Dist") or ()),
    )


def licence(fields: Iterable[str], classifiers: Iterable[str]) -> str | None:
    """The first field that is an SPDX expression or identifier, else what a classifier says."""
    for said in fields:
        if found := fixup_id(said) or (said if is_expression(said) else None):
            return found
    classified = [name for name in classifiers if name.startswith("License ::")]
    return _LICENCES.get(classified[0]) if len(classified) == 1 else None


def required(lines: Iterable[str]) -> tuple[str, ...]:
    """Normalised names of the requirements that hold on Linux, without any extra."""
    wanted = [Requirement(line) for line in lines]
    return tuple(
        sorted(
            {
                _PART.sub("-", each.name).lower()
                for each in wanted
                if each.marker is None or each.marker.evaluate(_WHERE)
            }
        )
    )


def document(
    lock: str, about: Callable[[str], About], requires: Iterable[str], version: str, epoch: int
) -> str:
    """The list of parts as CycloneDX 1.6 in JSON.

    Args:
        lock: text of the lock file.
        about: what is known of a package, by its name.
        requires: normalised names that the exporter itself requires.
        version: of the exporter.
        epoch: when its source was committed, in seconds since 1970.

    Raises:
        ValueError: the lock cannot be read, or what is installed is not what is locked.
    """
    pins = read_lock(lock)
    parts: dict[str, Component] = {}
    known: dict[str, About] = {}
    for pin in pins:
        known[pin.name] = about(pin.name)
        if known[pin.name].version != pin.version:
            raise ValueError(
                f"{pin.name} {known[pin.name].version} is installed, {pin.version} is locked"
            )
        parts[pin.name] = _part(pin, known[pin.name])
    exporter = Component(
        name="gong-exporter",
        version=version,
        type=ComponentType.APPLICATION,
        bom_ref=f"gong-exporter@{version}",
        licenses=_licences("Apache-2.0"),
    )
    generator = importlib.metadata.version("cyclonedx-python-lib")
    bom = Bom(
        # A random one would make every list another: this one is another when its contents are.
        serial_number=uuid.uuid5(uuid.NAMESPACE_OID, f"{version}\n{epoch}\n{generator}\n{lock}"),
        metadata=BomMetaData(component=exporter, timestamp=datetime.fromtimestamp(epoch, UTC)),
        components=parts.values(),
    )
    bom.metadata.tools.components.add(
        Component(name="cyclonedx-python-lib", version=generator, type=ComponentType.LIBRARY)
    )
    bom.register_dependency(exporter, _of(parts, requires))
    for name, part in parts.items():
        bom.register_dependency(part, _of(parts, known[name].requires))
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _part(pin: Pin, about: About) -> Component:
    # Not the component's own hashes: those would be of one file, and the platform decides which.
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(str(pin.purl)),
        comment="One of these files is installed: the wheel for the platform.",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each) for each in pin.hashes],
    )
    return Component(
        name=pin.name,
        version=pin.version,
        type=ComponentType.LIBRARY,
        bom_ref=str(pin.purl),
        purl=pin.purl,
        licenses=_licences(about.licence),
        external_references=[files],
    )


def _licences(said: str | None) -> list[License]:
    if said is None:
        return []
    return [
        LicenseFactory().make_from_string(
            said, license_acknowledgement=LicenseAcknowledgement.DECLARED
        )
    ]


def _of(parts: Mapping[str, Component], names: Iterable[str]) -> list[Component]:
    return [parts[name] for name in names if name in parts]


def main() -> None:
    """Write the list for this tree."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    written = document(
        (ROOT / "requirements.lock").read_text(encoding="utf-8"),
        installed,
        required(project["dependencies"]),
        __version__,
        int(os.environ["SOURCE_DATE_EPOCH"]),
    )
    Path(sys.argv[1]).write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
