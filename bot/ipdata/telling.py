"""An update, and what there is, in words and as JSON documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from bot.ipdata.held import Held
from bot.ipdata.sources import Source
from bot.ipdata.table import Edition
from bot.ipdata.update import Refreshed, Updated
from bot.model import rfc3339

Json = dict[str, Any]


# ----------------------------------------------------------------------------------------- an update


def updated_document(updated: Updated) -> Json:
    """The document of ``triage ipdata update``."""
    return {
        "path": str(updated.folder),
        "at": rfc3339(updated.at),
        "complete": updated.complete,
        "lists": [_refreshed(each, updated.at) for each in updated.lists],
    }


def updated_text(updated: Updated) -> str:
    titles = _titles(each.source for each in updated.lists)
    width = max(map(len, titles.values()))
    lines = [
        f"{titles[each.source.id]:<{width}}  {each.outcome.value:<9}  {_in_use(each.edition, updated.at)}"
        for each in updated.lists
    ]
    return "\n".join(lines)


def _refreshed(each: Refreshed, at: datetime) -> Json:
    about = _edition(each.edition, at) if each.edition is not None else {"id": each.source.id, "name": each.source.name}
    return {**about, "outcome": each.outcome.value, "why": each.why}


# ------------------------------------------------------------------------------------- what there is


def held_document(held: Held) -> Json:
    """The document of ``triage ipdata show``."""
    return {
        "path": str(held.folder),
        "at": rfc3339(held.at),
        "lists": [_edition(edition, held.at) for edition in held.lists],
        "others": [
            {
                "kind": other.kind,
                "name": other.name,
                "path": str(other.path) if other.path is not None else None,
                "as_of": other.as_of,
                "age_days": age_days(other.as_of, held.at),
                "bytes": other.bytes,
            }
            for other in held.others
        ],
        "missing": [{"id": source.id, "name": source.name} for source in held.missing],
        "whois": held.whois,
    }


def held_text(held: Held) -> str:
    titles = _titles([*held.lists, *held.missing])
    rows = [(titles[edition.id], _in_use(edition, held.at)) for edition in held.lists]
    rows += [(other.name, _dated(other.as_of, held.at) + _sized(other.bytes)) for other in held.others]
    rows += [(titles[source.id], "not there: run `triage ipdata update`") for source in held.missing]
    width = max(len(name) for name, _ in rows)
    asked = "on" if held.whois else "off ([ipdata] whois = true sends unknown addresses to registries)"
    return "\n".join([*(f"{name:<{width}}  {words}" for name, words in rows), f"Asking registries: {asked}"])


def _titles(lists: Iterable[Edition | Source]) -> dict[str, str]:
    """What to call each list, by its id: its name, and of lists that share one the id, too."""
    names = {each.id: each.name for each in lists}
    shared = Counter(names.values())
    return {id_: name if shared[name] == 1 else f"{name} ({id_})" for id_, name in names.items()}


def _edition(edition: Edition, at: datetime) -> Json:
    return {
        "id": edition.id,
        "name": edition.name,
        "provider": edition.provider,
        "marks": edition.marks,
        "as_of": edition.as_of,
        "age_days": age_days(edition.as_of, at),
        "entries": edition.entries,
        "bytes": edition.bytes or None,
        "url": edition.url,
        "fetched_at": edition.fetched_at,
        "checked_at": edition.checked_at,
    }


def _in_use(edition: Edition | None, at: datetime) -> str:
    if edition is None:
        return "nothing"
    whence = "" if edition.url else ", as shipped"
    return f"{_dated(edition.as_of, at)}, {edition.entries:,} entries{_sized(edition.bytes)}{whence}"


def _dated(as_of: str, at: datetime) -> str:
    days = age_days(as_of, at)
    age = "of today" if not days else f"{days} day old" if days == 1 else f"{days} days old"
    return f"{as_of} ({age})"


def _sized(size: int | None) -> str:
    return f", {size / 1000:,.0f} kB" if size else ""


def age_days(as_of: str, at: datetime) -> int:
    """Whole days from the ISO date ``as_of`` to ``at``; 0 for one of the future."""
    return max(0, (at.date() - date.fromisoformat(as_of)).days)
