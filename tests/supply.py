"""What this program is made of: ``python -m tests.supply licences`` rewrites docs/licences.md from ``uv.lock``,
``python -m tests.supply sbom FILE`` writes a bill of materials (CycloneDX 1.6) with the hash of every file.

Names, versions and hashes are those of the lock; a licence is what the installed package declares, as SPDX writes it.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from tests.documents import ROOT

PAGE = ROOT / "docs" / "licences.md"
UNDECLARED = {
    "click-default-group": "LicenseRef-Public-Domain",
    "colorama": "BSD-3-Clause",
    "plevin-db": "LicenseRef-Mixed",
    "pysqlite3": "Zlib",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
    "sqlite-fts4": "Apache-2.0",
}
"""Of packages that declare none, several in words, or are not for this platform: by their own LICENSE file."""
WORDS = (
    (r"apache", "Apache-2.0"),
    (r"mozilla|mpl", "MPL-2.0"),
    (r"isc", "ISC"),
    (r"python software|psf", "PSF-2.0"),
    (r"bsd", "BSD-3-Clause"),
    (r"mit\b", "MIT"),
)
"""How older packages write what SPDX has an identifier for."""
ALLOWED = frozenset(
    {
        *("MIT", "MIT-0", "MIT-CMU", "ISC", "Zlib", "PSF-2.0", "MPL-2.0", "LicenseRef-Public-Domain"),
        *("Apache-2.0", "BSD-2-Clause", "BSD-3-Clause"),
    }
)
"""What may stand beside Apache-2.0 code with no further duty than to name it, or (MPL-2.0) to leave its files be."""


@dataclass(frozen=True, slots=True)
class Part:
    """One locked package. ``files`` maps the address of each file of it to its SHA-256."""

    name: str
    version: str
    licence: str
    files: Mapping[str, str]


def lock() -> Mapping[str, Mapping[str, Any]]:
    packages = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    return {package["name"]: package for package in packages}


def parts(*, extras: Iterable[str] = (), groups: Iterable[str] = ()) -> list[Part]:
    """What is installed for the product, with ``extras`` and development ``groups``, on any platform; by name."""
    locked = lock()
    own = locked["triage-bot"]
    wanted = [each["name"] for each in own["dependencies"]]
    wanted += [each["name"] for extra in extras for each in own["optional-dependencies"][extra]]
    wanted += [each["name"] for group in groups for each in own["dev-dependencies"][group]]
    found: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in found:
            found.add(name)
            package = locked[name]
            optional = package.get("optional-dependencies", {}).values()
            wanted += [each["name"] for several in [package.get("dependencies", []), *optional] for each in several]
    return [_part(locked[name]) for name in sorted(found)]


def licence_of(name: str) -> str:
    """As an SPDX expression; empty where nothing is known."""
    if name in UNDECLARED:
        return UNDECLARED[name]
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ""
    if expressions := told.get_all("License-Expression"):
        return str(expressions[0])
    classifiers = [line for line in told.get_all("Classifier") or [] if line.startswith("License")]
    licences = told.get_all("License") or [""]
    words = " ".join([*classifiers, licences[0][:60]]).lower()
    return next((spdx for pattern, spdx in WORDS if re.search(pattern, words)), "")


def page() -> str:
    """docs/licences.md."""
    return "\n".join(
        [
            "# Licences",
            "",
            "Everything that is installed with this program, at the versions of `uv.lock`, which holds the SHA-256 of",
            "every file. `make licences` writes this page, a test compares it with the lock; `make sbom` writes the",
            "same as CycloneDX. What stands in this repository and was made by others is in [credits.md](credits.md).",
            "",
            *_table("The bot", parts()),
            *_table("The demo", _without(parts(extras=["demo"]), parts())),
            *_table("The extra `plevin`", _without(parts(extras=["plevin"]), parts())),
        ]
    )


def bill() -> dict[str, Any]:
    """A bill of materials of the bot itself. The same lock gives the same bytes: no time and no number is in it."""
    own = lock()["triage-bot"]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "triage-bot",
                "name": "triage-bot",
                "version": own["version"],
                "licenses": [{"expression": "Apache-2.0"}],
            }
        },
        "components": [_component(part) for part in parts()],
    }


def _part(package: Mapping[str, Any]) -> Part:
    files = [package.get("sdist"), *package.get("wheels", [])]
    hashes = {file["url"]: file["hash"].removeprefix("sha256:") for file in files if file}
    return Part(package["name"], package["version"], licence_of(package["name"]), hashes)


def _without(all_: list[Part], some: list[Part]) -> list[Part]:
    return [part for part in all_ if part not in some]


def _table(title: str, listed: list[Part]) -> Iterator[str]:
    yield from (f"## {title}", "", "| package | version | licence |", "|---|---|---|")
    for part in listed:
        yield f"| [{part.name}](https://pypi.org/project/{part.name}/) | {part.version} | {part.licence} |"
    yield ""


def _component(part: Part) -> dict[str, Any]:
    purl = f"pkg:pypi/{part.name}@{part.version}"
    references = [
        {"type": "distribution", "url": url, "hashes": [{"alg": "SHA-256", "content": content}]}
        for url, content in part.files.items()
    ]
    return {
        "type": "library",
        "bom-ref": purl,
        "name": part.name,
        "version": part.version,
        "purl": purl,
        "licenses": [{"expression": part.licence}],
        "externalReferences": references,
    }


def main() -> None:
    match sys.argv[1:]:
        case ["licences"]:
            PAGE.write_text(page(), encoding="utf-8")
        case ["sbom", file]:
            text = json.dumps(bill(), indent=1) + "\n"
            (ROOT / file).write_text(text, encoding="utf-8")
        case _:
            sys.exit("Say `licences`, or `sbom` and a file.")


if __name__ == "__main__":
    main()
