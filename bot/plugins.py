"""Loads enrichers by the names in config: a plain name is a module of ``enrichers``, a dotted one the user's own."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import cast

from bot.model import Declaration, Enricher

PACKAGE = "enrichers"

NEEDS = frozenset({"history", "ip_data", "iam", "cases", "web", "threat_lists"})


class PluginError(Exception):
    """An enricher named in config cannot be used. The text is a sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """An enricher with the name it has in config."""

    name: str
    enricher: Enricher

    @property
    def declaration(self) -> Declaration:
        return self.enricher.DECLARATION


def load_enrichers(names: Sequence[str]) -> tuple[Plugin, ...]:
    """The enrichers of ``names``, in their order. Raises ``PluginError`` for the first that cannot be used."""
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise PluginError(f"[enrichers] enabled names {twice!r} twice; name it once.")
    return tuple(Plugin(name, _checked(name, _module(name))) for name in names)


def shipped() -> tuple[str, ...]:
    """The names of all enrichers that come with the bot."""
    spec = importlib.util.find_spec(PACKAGE)
    folders = spec.submodule_search_locations if spec is not None else None
    return tuple(sorted(module.name for module in pkgutil.iter_modules(folders or [])))


def _module(name: str) -> ModuleType:
    path = name if "." in name else f"{PACKAGE}.{name}"
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name is None or not (path == error.name or path.startswith(f"{error.name}.")):
            raise PluginError(f"[enrichers] enabled: {name!r} needs the module {error.name!r}; install it.") from error
        raise PluginError(_not_found(name)) from error
    except Exception as error:
        raise PluginError(f"[enrichers] enabled: {name!r} fails to load ({type(error).__name__}: {error}).") from error


def _not_found(name: str) -> str:
    if "." in name:
        return f"[enrichers] enabled names {name!r}; no such module can be imported: install it."
    near = difflib.get_close_matches(name, shipped(), n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(shipped())}."
    return f"[enrichers] enabled names {name!r}; {hint}"


def _checked(name: str, module: ModuleType) -> Enricher:
    declaration = getattr(module, "DECLARATION", None)
    if not isinstance(declaration, Declaration):
        raise PluginError(f"[enrichers] enabled: {name!r} has no DECLARATION = Declaration(...).")
    unknown = declaration.needs - NEEDS
    if unknown:
        raise PluginError(
            f"[enrichers] enabled: {name!r} needs {', '.join(sorted(unknown))}; there are: {', '.join(sorted(NEEDS))}."
        )
    enrich = getattr(module, "enrich", None)
    if not callable(enrich) or len(inspect.signature(enrich).parameters) != 2:
        raise PluginError(f"[enrichers] enabled: {name!r} has no function enrich(observable, context).")
    return cast(Enricher, module)
