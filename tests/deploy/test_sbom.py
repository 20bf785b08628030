"""The list of parts that a release carries: whole, valid, and the same wherever it is made."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tools.sbom import About, document, installed, licence, read_lock, required

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EPOCH = 1_772_600_767


def written(
    lock: str = LOCK, *, about: Callable[[str], About] = installed, epoch: int = EPOCH
) -> str:
    """The list for a lock file."""
    return document(lock, about, required(PROJECT["project"]["dependencies"]), "1.2.3", epoch)


@pytest.fixture(scope="module")
def text() -> str:
    return written()


@pytest.fixture(scope="module")
def parts(text: str) -> dict[str, dict[str, Any]]:
    """Its components by name."""
    return {each["name"]: each for each in json.loads(text)["components"]}


def faults(text: str) -> list[str]:
    """What CycloneDX's own schema has against a document."""
    found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text, all_errors=True)
    return [str(each) for each in found or ()]


def test_it_is_what_the_format_says(text: str) -> None:
    assert faults(text) == []
    document = json.loads(text)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")


def test_every_locked_package_is_in_it_with_all_of_its_hashes(
    parts: dict[str, dict[str, Any]],
) -> None:
    # Read by other means than the tool's: the lines of the file, one after the other.
    locked: dict[str, set[str]] = {}
    for line in LOCK.splitlines():
        if not line.startswith(" "):
            locked[name := line.split(" ", 1)[0]] = set()
        else:
            locked[name].add(line.strip(" \\").removeprefix("--hash=sha256:"))

    found = {
        f"{each['name']}=={each['version']}": {
            hash_["content"]
            for reference in each["externalReferences"]
            for hash_ in reference["hashes"]
            if (reference["type"], hash_["alg"]) == ("distribution", "SHA-256")
        }
        for each in parts.values()
    }

    assert len(locked) > 20
    assert found == locked


def test_every_package_has_the_name_that_scanners_look_it_up_by(
    parts: dict[str, dict[str, Any]],
) -> None:
    for name, each in parts.items():
        assert each["purl"] == f"pkg:pypi/{name}@{each['version']}"


def test_every_package_has_its_licence(parts: dict[str, dict[str, Any]]) -> None:
    assert [name for name, each in parts.items() if not each.get("licenses")] == []
    assert parts["certifi"]["licenses"][0]["license"]["id"] == "MPL-2.0"
    assert parts["prometheus-client"]["licenses"][0]["expression"] == "Apache-2.0 AND BSD-2-Clause"


def test_it_says_what_requires_what(text: str, parts: dict[str, dict[str, Any]]) -> None:
    edges = {
        each["ref"]: set(each.get("dependsOn", ())) for each in json.loads(text)["dependencies"]
    }
    own = {
        parts[re.split(r"[^a-z0-9-]", line)[0]]["bom-ref"]
        for line in PROJECT["project"]["dependencies"]
    }

    assert edges["gong-exporter@1.2.3"] == own
    assert parts["h11"]["bom-ref"] in edges[parts["uvicorn"]["bom-ref"]]
    # Everything is there for a reason: nothing that the exporter does not lead to.
    seen: set[str] = set()
    ahead = {"gong-exporter@1.2.3"}
    while ahead:
        seen |= ahead
        ahead = {target for ref in ahead for target in edges[ref]} - seen
    assert seen == {"gong-exporter@1.2.3", *(each["bom-ref"] for each in parts.values())}


def test_it_is_of_one_commit_and_not_of_the_hour(text: str) -> None:
    document, later = json.loads(text), json.loads(written(epoch=EPOCH + 1))

    assert written() == text
    assert document["metadata"]["timestamp"] == "2026-03-04T05:06:07+00:00"
    assert document["metadata"]["component"]["version"] == "1.2.3"
    assert later["serialNumber"] != document["serialNumber"]


def test_it_names_no_host(text: str) -> None:
    """Where packages come from is decided where they are installed."""
    assert set(re.findall(r"\w+://[^\"]+", text)) == {
        "http://cyclonedx.org/schema/bom-1.6.schema.json"
    }


@pytest.mark.parametrize(
    "line",
    [
        "anyio==4.16.0",
        "anyio>=4 --hash=sha256:" + "0" * 64,
        "anyio==4.16.0 ; python_version < '3.12' --hash=sha256:" + "0" * 64,
        "anyio==4.16.0 --hash=md5:" + "0" * 32,
    ],
)
def test_a_lock_that_it_cannot_read_whole_gives_no_list(line: str) -> None:
    with pytest.raises(ValueError, match="not a package with its hashes: anyio"):
        read_lock(f"{line}\n")


def test_another_version_than_the_locked_one_says_nothing_about_it() -> None:
    def other(name: str) -> About:
        return About("0.0.1", None, ()) if name == "anyio" else installed(name)

    with pytest.raises(ValueError, match=r"anyio 0\.0\.1 is installed, 4\S+ is locked"):
        written(about=other)


@pytest.mark.parametrize(
    ("fields", "classifiers", "said"),
    [
        (["MIT OR Apache-2.0"], ["License :: OSI Approved :: MIT License"], "MIT OR Apache-2.0"),
        (["apache-2.0"], [], "Apache-2.0"),
        (["Permission is hereby granted ..."], ["License :: OSI Approved :: MIT License"], "MIT"),
        ([], ["Typing :: Typed", "License :: OSI Approved :: BSD License"], None),
        (["BSD"], [], None),
        ([], ["License :: OSI Approved :: MIT License", "License :: Other"], None),
    ],
)
def test_a_licence_is_one_that_is_sure(
    fields: list[str], classifiers: list[str], said: str | None
) -> None:
    assert licence(fields, classifiers) == said


def test_requirements_are_those_of_the_oldest_python_on_linux() -> None:
    lines = [
        "Typing_Extensions>=4; python_version < '3.12'",
        "colorama; sys_platform == 'win32'",
        "uvloop; extra == 'standard'",
        "h11>=0.8",
    ]
    assert required(lines) == ("h11", "typing-extensions")
