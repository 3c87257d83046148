"""``config.toml`` → frozen settings. Every error is reported at once: file, line, key and what to do about it."""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import ValidationError

from bot.config import toml_lines
from bot.config.approving import too_few
from bot.config.environments import doubtful
from bot.config.secret_ref import MissingSecret, readable_by_everyone
from bot.config.settings import Settings
from bot.hunts.event_names import unheard_of
from bot.hunts.library import PlaybookError, own_playbooks
from bot.plugins import PluginError, load_enrichers
from bot.weights import WeightsError, doubts, own_weights, shipped

Key = tuple[str, ...]

ENABLED: Key = ("enrichers", "enabled")
PLACE = "#"
"""How a place in a list begins: a key may be a number, too."""

_WANTED = {
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be a string in quotes",
    "tuple_type": 'must be a list, as in ["…"]',
    "mapping_type": "must be a table",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "missing": "is missing; add it",
    "string_pattern_mismatch": "is not a name; use lower-case letters, digits, - and _",
}
_BOUNDED = {
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "too_short": "must have at least {min_length} entry",
    "too_long": "must have at most {max_length} entries",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the configuration. ``error`` stops the bot, ``warning`` does not."""

    severity: Literal["error", "warning"]
    file: str
    key: str | None
    line: int | None
    sentence: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.severity}: {f'{self.key} ' if self.key else ''}{self.sentence}"


class ConfigError(Exception):
    """The configuration cannot be used; ``problems`` holds every reason."""

    def __init__(self, problems: Collection[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def find(given: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The file to read: ``given`` (``--config``), else ``TRIAGE_CONFIG``, else ``./config.toml``, else none."""
    if given is not None:
        return given
    if named := environ.get("TRIAGE_CONFIG"):
        return Path(named)
    return Path("config.toml") if Path("config.toml").is_file() else None


def load(file: Path | None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings in ``file``, or the defaults without one; the environment's overrides applied.

    Raises :class:`ConfigError` with every problem of the file. Secrets are not read here.
    """
    return _read(file, environ)[0]


def check(
    file: Path | None,
    environ: Mapping[str, str] = os.environ,
    *,
    enrichers: Collection[str] | None = None,
    remediations: Collection[str] | None = None,
    serving: bool = False,
    at: datetime | None = None,
) -> list[Problem]:
    """Everything wrong with ``file``, without any network: errors first, each with its line where it can be found.

    ``enrichers`` and ``remediations`` are the names that exist, where the caller knows them. What only a running bot
    needs (a secret, the channel) is a warning, and an error if ``serving``. ``at`` (UTC; default: now) is the moment at
    which an approved test is over or not.
    """
    try:
        settings, lines = _read(file, environ)
    except ConfigError as error:
        return list(error.problems)
    asked = _Check(settings, str(file or "defaults"), lines, environ, "error" if serving else "warning")
    problems = [
        *asked.names("enrichers", ENABLED, settings.enrichers.enabled, enrichers),
        *(asked.own_enrichers() if enrichers is not None else ()),
        *asked.names("remediations", ("remediation", "enabled"), settings.remediation.enabled, remediations),
        *asked.names("remediations", ("remediation", "approvers"), settings.remediation.approvers, remediations),
        *asked.environments(at or datetime.now(UTC)),
        *asked.sources(),
        *asked.weights(),
        *asked.playbooks(),
        *asked.people(),
        *asked.approvers(),
        *asked.days(),
        *asked.databases(),
        *asked.secrets(),
        *asked.channel(),
    ]
    return sorted(problems, key=lambda problem: problem.severity)


@dataclass(frozen=True, slots=True)
class _Check:
    settings: Settings
    file: str
    lines: Mapping[Key, int]
    environ: Mapping[str, str]
    needed: Literal["error", "warning"]

    def problem(self, severity: Literal["error", "warning"], key: Key, sentence: str) -> Problem:
        return Problem(severity, self.file, _shown(key), _line(self.lines, key), sentence)

    def names(self, what: str, key: Key, used: Collection[str], known: Collection[str] | None) -> Iterator[Problem]:
        for name in used if known is not None else ():
            if name not in (known or ()) and "." not in name:
                yield self.problem("error", key, f"names '{name}'; {_nearest(name, known or (), what)}")

    def own_enrichers(self) -> Iterator[Problem]:
        """Those of the user's own are loaded to see whether they can be: what is named in config is trusted to run."""
        weighed = self._weighed()
        for name in (name for name in self.settings.enrichers.enabled if "." in name):
            try:
                (plugin,) = load_enrichers([name])
            except PluginError as error:
                sentence = str(error).removeprefix("[enrichers] enabled").removeprefix(":").strip().rstrip(".")
                yield self.problem("error", ENABLED, sentence)
                continue
            for kind in sorted(plugin.declaration.raises - weighed):
                sentence = f"names '{name}', which raises '{kind}': no table of weights has it, so it will not count"
                yield self.problem("warning", ENABLED, sentence)

    def _weighed(self) -> frozenset[str]:
        file = self.settings.triage.weights
        try:
            return frozenset((own_weights(Path(file)) if file else shipped()).signals)
        except WeightsError:  # said elsewhere
            return frozenset(shipped().signals)

    def environments(self, at: datetime) -> Iterator[Problem]:
        tables, sources = self.settings.environments, self.settings.sources.values()
        for severity, key, sentence in doubtful(
            tables, {source.environment for source in sources}, self.settings.aws.region, at
        ):
            yield self.problem(severity, key, sentence)
        known = {"default", *self.settings.environments}
        for name, source in self.settings.sources.items():
            if source.environment and source.environment not in known:
                key = ("sources", name, "environment")
                hint = _nearest(source.environment, known, "environments")
                yield self.problem("error", key, f"names '{source.environment}'; {hint}")

    def sources(self) -> Iterator[Problem]:
        for name, source in self.settings.sources.items():
            if lacking := source.lacking():
                yield self.problem("error", ("sources", name, lacking), "is missing; add it")
            for key in source.needless():
                yield self.problem(
                    "error", ("sources", name, key), f'is not used where auth = "{source.auth}"; remove it'
                )

    def weights(self) -> Iterator[Problem]:
        file, key = self.settings.triage.weights, ("triage", "weights")
        try:
            for doubt in doubts(own_weights(Path(file))) if file else ():
                yield self.problem("warning", key, f"names a table in which {doubt}")
        except WeightsError as error:
            for problem in error.problems:
                yield self.problem("error", key, f"names a table that cannot be used: {problem}")

    def playbooks(self) -> Iterator[Problem]:
        key = ("hunts", "playbooks")
        try:
            own = own_playbooks(self.settings.hunts.playbooks)
        except PlaybookError as error:
            yield self.problem("error", key, f"names a folder that cannot be used: {error}")
            return
        for playbook in own:
            for name, like in unheard_of([playbook]).items():
                meant = f"; did you mean {like}?" if like else ""
                sentence = f"has {playbook.name}.toml, which names {name}: no API of AWS is called so{meant}"
                yield self.problem("warning", key, sentence)

    def people(self) -> Iterator[Problem]:
        for name in self.settings.access.people:
            if not re.fullmatch(r"local:[^\s:]+", name):
                yield self.problem("error", ("access", "people", name), 'must be called "local:<os user>"')

    def approvers(self) -> Iterator[Problem]:
        settings = self.settings
        for severity, key, sentence in too_few(settings.access, settings.remediation.approvers, settings.environments):
            yield self.problem(severity, key, sentence)

    def days(self) -> Iterator[Problem]:
        held, looked = self.settings.history.days, self.settings.triage.days
        if held <= looked:
            sentence = f"must be more than [triage] days, which is {looked}, or a triage finds its window cut off"
            yield self.problem("error", ("history", "days"), sentence)

    def databases(self) -> Iterator[Problem]:
        for path in self.settings.ipdata.mmdb:
            if not path.is_file():
                yield self.problem(
                    "error", ("ipdata", "mmdb"), f"names {path}, which is not there; correct or remove it"
                )

    def secrets(self) -> Iterator[Problem]:
        for key, reference in self.settings.secrets():
            if reference.far:
                continue  # who serves is told; nothing here asks the network
            try:
                reference.read(self.environ)
            except MissingSecret as error:
                yield self.problem(self.needed, key, f"cannot be read: {error}")
            file = reference.file(self.environ)
            if file and readable_by_everyone(file):
                sentence = f"is in {file}, which every user of this machine can read; run: chmod 600 {file}"
                yield self.problem("error", key, sentence)

    def channel(self) -> Iterator[Problem]:
        if not self.settings.slack.channel:
            sentence = "is empty; name the channel where cards are posted, by its id"
            yield self.problem(self.needed, ("slack", "channel"), sentence)


def _read(file: Path | None, environ: Mapping[str, str]) -> tuple[Settings, Mapping[Key, int]]:
    text = _text(file) if file else ""
    raw = _parse(file, text)
    lines = toml_lines.locate(text)
    _override(raw, ("history", "path"), environ.get("TRIAGE_HISTORY"))
    _override(raw, ("slack", "api_url"), environ.get("SLACK_API_URL"))
    try:
        # By way of JSON: strict there means "a list is a list, a number a number", yet paths may be strings.
        return Settings.model_validate_json(json.dumps(raw, default=str)), lines
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        problems = [_problem(str(file or "environment"), lines, dict(one)) for one in found]
        raise ConfigError(sorted(problems, key=lambda problem: problem.line or 0)) from None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        sentence = f"cannot be read ({error.strerror}); create it, or name another with --config or TRIAGE_CONFIG"
        raise ConfigError([Problem("error", str(file), None, None, sentence)]) from error
    except ValueError as error:
        sentence = "is not UTF-8 text; save it as UTF-8"
        raise ConfigError([Problem("error", str(file), None, None, sentence)]) from error


def _parse(file: Path | None, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        at = re.search(r"at line (\d+)", str(error))
        line = int(at[1]) if at else None
        what = re.sub(r" \(at .*", "", str(error))
        sentence = f"is not TOML ({what}); text stands in quotes, a list in [ ]"
        raise ConfigError([Problem("error", str(file), None, line, sentence)]) from None


def _override(raw: dict[str, Any], key: Key, value: str | None) -> None:
    table = raw.setdefault(key[0], {})
    if value and isinstance(table, dict):
        table[key[1]] = value


def _problem(file: str, lines: Mapping[Key, int], error: Mapping[str, Any]) -> Problem:
    key = tuple(f"{PLACE}{part}" if isinstance(part, int) else part for part in error["loc"] if part != "[key]")
    return Problem("error", file, _shown(key), _line(lines, key), _sentence(error, key))


def _sentence(error: Mapping[str, Any], key: Key) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return f"is not a setting; {_nearest(key[-1], _known_keys(key[:-1]), 'settings here')}"
    if kind == "value_error":
        return str(context["error"])
    if kind in _BOUNDED:
        return _BOUNDED[kind].format(**context)
    return _WANTED.get(kind, str(error["msg"]))


def _nearest(name: str, known: Collection[str], what: str) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean '{close[0]}'?" if close else f"the {what}: {', '.join(sorted(known)) or 'none'}"


def _known_keys(table: Key) -> Collection[str]:
    """The keys of the table at ``table`` in the settings."""
    annotation: Any = Settings
    for part in table:
        fields = getattr(annotation, "model_fields", None)
        annotation = fields[part].annotation if fields else get_args(annotation)[1]
    return tuple(annotation.model_fields)


def _shown(key: Key) -> str | None:
    """``("slack", "mode")`` as ``[slack] mode``; a place in a list as ``entry n``, counted from 1."""
    if len(key) > 2 and key[-1].startswith(PLACE):
        return f"{_shown(key[:-1])} entry {int(key[-1].removeprefix(PLACE)) + 1}"
    if len(key) > 1:
        return f"[{'.'.join(key[:-1])}] {key[-1]}"
    return f"[{key[0]}]" if key else None


def _line(lines: Mapping[Key, int], key: Key) -> int | None:
    """The line of ``key``, or of the nearest thing around it that has one."""
    while key and key not in lines:
        key = key[:-1]
    return lines.get(key)
