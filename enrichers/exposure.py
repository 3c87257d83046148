"""Where could the key have leaked?

A stolen key mostly stood somewhere in public, with the name of its user beside it: in a repository, an image, a Postman
workspace. Finding the place finds the other keys that stood there. The searches are made ready from the pattern of the
user's name, which tells a stranger less than the key id; what is your own is looked through first. GitHub is searched
where a token is given. What it finds are leads: that a key leaked is said by a person who saw its id there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from bot.model import (
    Answer,
    CodeFound,
    Context,
    Declaration,
    Fact,
    Kind,
    Observable,
    Pattern,
    Principal,
    Searching,
    Unread,
    patterns_of,
    publicly_known,
    rfc3339,
)

DECLARATION = Declaration(
    question="Where could the key have leaked?",
    takes=frozenset({Kind.ACCESS_KEY, Kind.PRINCIPAL}),
    needs=frozenset(),
    seconds=15.0,
    sends="the pattern of a user's name (whole key ids with `send_key_ids`), to GitHub, where `[exposure]` has a token",
)

NAMED = frozenset({"user", "role", "sso"})
"""Kinds of principals that people name; the rest has ids."""

BESIDE = "AWS_ACCESS_KEY_ID"
"""What mostly stands beside a key that leaked."""

PLACES = {
    "Search engine": ("https://www.google.com/search?q=", '"{}" {beside}'),
    "Postman, by search engine": ("https://www.google.com/search?q=", 'site:postman.com "{}"'),
    "Postman": ("https://www.postman.com/search?q=", "{}"),
    "GitHub code": ("https://github.com/search?type=code&q=", '"{}" {beside}'),
    "GitHub gists": ("https://gist.github.com/search?q=", '"{}"'),
    "Paste sites": ("https://www.google.com/search?q=", 'site:pastebin.com "{}"'),
    "Docker Hub": ("https://hub.docker.com/search?q=", "{}"),
    "npm": ("https://www.npmjs.com/search?q=", "{}"),
}
"""Where to search: the address, and the query around a pattern."""

SCANNING = "https://github.com/orgs/{}/security/secret-scanning"

OWN_FIRST = (
    "GitHub's secret scanning, Postman workspaces, buckets and images of your own, with TruffleHog only with"
    " --no-verification: to verify is to use the key"
)
BY_THE_OWNER = "`ggshield hmsl check`, run by the key's owner with the secret, asks GitGuardian without giving it away"
NOT_ASKED = "not asked: name a token under [exposure] github_token in config.toml"

WITH_ID = "searched for as well"
WITHOUT_ID = "kept in the house, for it tells the account: [exposure] send_key_ids in config.toml"

MOST_PATTERNS = 2
"""Patterns that are made into searches at every place."""
MOST_ASKED = 3
"""Searches that are sent to GitHub: it takes ten a minute for the whole bot."""
MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Search:
    """A search made ready."""

    place: str
    query: str
    url: str


Asked = Mapping[str, CodeFound | Unread]
"""What GitHub said, by query."""


def enrich(observable: Observable, context: Context) -> Answer:
    patterns = patterns_of(_names(context.principal))
    key = observable.value if observable.kind is Kind.ACCESS_KEY else None
    queries = github_queries(patterns, key, context.searching)
    search = context.code_search
    return judge(
        observable,
        patterns,
        searches(patterns, key, context.searching),
        {query: search.find(query) for query in queries} if search is not None else None,
        context.searching,
    )


def _names(principal: Principal | None) -> Iterable[str]:
    """The name of a user, role or person; a session's name is the caller's own choice and is none."""
    kind = principal.id.partition(":")[2].partition("/")[0] if principal is not None else ""
    return (principal.name,) if principal is not None and kind in NAMED else ()


def searches(patterns: Sequence[Pattern], key: str | None, searching: Searching) -> list[Search]:
    """Ready-made searches for the patterns; for own words, in own organisations; for the key id if that is allowed."""
    texts = [pattern.text for pattern in patterns[:MOST_PATTERNS]]
    made = [_search(place, form.format(text, beside=BESIDE)) for text in texts for place, (_, form) in PLACES.items()]
    made += [_search("GitHub code", f"org:{own} {text}") for own in searching.organisations for text in texts[:1]]
    made += [Search("Secret scanning", own, SCANNING.format(own)) for own in searching.organisations]
    made += [_search("Search engine", f'"{word}" {BESIDE}') for word in searching.words]
    made += [_search("GitHub code", f'"{word}" {BESIDE}') for word in searching.words]
    if key is not None and searching.send_key_ids:
        made += [_search(place, f'"{key}"') for place in ("Search engine", "GitHub code", "GitHub gists")]
    return list(dict.fromkeys(made))


def _search(place: str, query: str) -> Search:
    return Search(place, query, PLACES[place][0] + quote(query, safe=""))


def github_queries(patterns: Sequence[Pattern], key: str | None, searching: Searching) -> list[str]:
    """What the bot itself may send to GitHub, the most telling first."""
    queries = [f'"{key}"'] if key is not None and searching.send_key_ids else []
    queries += [f'"{pattern.text}" {BESIDE}' for pattern in patterns[:1]]
    queries += [f"org:{own} {pattern.text}" for own in searching.organisations for pattern in patterns[:1]]
    queries += [f'"{word}" {BESIDE}' for word in searching.words]
    return list(dict.fromkeys(queries))[:MOST_ASKED]


# -------------------------------------------------------------------------------------- what it says


def judge(
    observable: Observable,
    patterns: Sequence[Pattern],
    made: Sequence[Search],
    asked: Asked | None,
    searching: Searching,
) -> Answer:
    """What is known of the key in public, and where to look. ``asked`` is ``None`` where GitHub was not."""
    known = publicly_known(observable.value) if observable.kind is Kind.ACCESS_KEY else None
    found = {query: each for query, each in (asked or {}).items() if isinstance(each, CodeFound)}
    hits = sum(each.total for each in found.values())
    by_place: dict[str, list[Search]] = {}
    for each in made:
        by_place.setdefault(each.place, []).append(each)
    facts = [
        Fact("Search for", ", ".join(pattern.text for pattern in patterns) or "nothing in the name tells it apart"),
        *([Fact("Known in public", known)] if known else []),
        *(Fact("On GitHub", said) for said in _github(asked)),
        Fact("Own places first", OWN_FIRST),
        Fact("By its owner", BY_THE_OWNER),
        Fact("Whole key id", WITH_ID if searching.send_key_ids else WITHOUT_ID),
        *(Fact(place, "; ".join(f"{each.query} {each.url}" for each in there)) for place, there in by_place.items()),
    ]
    return Answer(
        headline=f"In public: {_headline(known, hits, asked, made)}",
        facts=tuple(facts),
        found=bool(known or hits),
        data={
            "patterns": [pattern.text for pattern in patterns],
            "publicly_known": known,
            "github": {query: _row(each) for query, each in asked.items()} if asked is not None else None,
            "searches": {
                place: [{"query": each.query, "url": each.url} for each in there] for place, there in by_place.items()
            },
        },
    )


def _headline(known: str | None, hits: int, asked: Asked | None, made: Sequence[Search]) -> str:
    ready = f"{len(made)} searches are ready" if made else "no search is ready: nothing in the name tells it apart"
    if known:
        return f"the key is {known}"
    if hits:
        files = "1 file" if hits == 1 else f"{hits} files"
        return f"GitHub shows {files} to look at, which need not hold the key; {ready}"
    if asked is None:
        return f"GitHub was not asked; {ready}"
    if not asked:
        return ready
    silent = [each for each in asked.values() if isinstance(each, Unread)]
    if len(silent) == len(asked):
        return f"GitHub did not answer ({silent[0].why}); {ready}"
    return f"GitHub's default branches show nothing{', as far as it answered' if silent else ''}; {ready}"


def _github(asked: Asked | None) -> Iterable[str]:
    if asked is None:
        yield NOT_ASKED
    for query, each in (asked or {}).items():
        if isinstance(each, Unread):
            yield f"{query}: unknown, {each.why}"
            continue
        places = "; ".join(place.url or f"{place.repository}: {place.path}" for place in each.places[:MOST_SHOWN])
        more = f" and {each.total - MOST_SHOWN} more" if each.total > MOST_SHOWN else ""
        short = "" if each.complete else ", as far as the search got"
        said = f"{each.total} files: {places}{more}" if each.total else "no file in a default branch"
        yield f"{query}: {said}{short} ({rfc3339(each.at)})"


def _row(each: CodeFound | Unread) -> dict[str, Any]:
    if isinstance(each, Unread):
        return {"total": None, "complete": False, "at": None, "places": [], "why_unknown": each.why}
    places = [{"repository": place.repository, "path": place.path, "url": place.url} for place in each.places]
    found = {"total": each.total, "complete": each.complete, "at": rfc3339(each.at), "places": places}
    return {**found, "why_unknown": None}
