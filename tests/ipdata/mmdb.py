"""Databases as their users have them, made here, so that a test says itself what is in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmdb_writer import MMDBWriter
from netaddr import IPSet


def city_database(path: Path, networks: Mapping[str, Mapping[str, Any]]) -> Path:
    """A City database in MaxMind's layout: of each network its country and what its location holds."""
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Made-City", float_type="f64")
    for network, said in networks.items():
        location = {name: value for name, value in said.items() if name != "country"}
        writer.insert_network(IPSet([network]), {"country": {"iso_code": said["country"]}, "location": location})
    writer.to_db_file(str(path))
    return path
