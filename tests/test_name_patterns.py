from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.world.cast import STOLEN_USERS
from bot.name_patterns import LONGEST, MOST_PATTERNS, Pattern, clean_name, patterns_of


def texts(*names: str) -> list[str]:
    return [pattern.text for pattern in patterns_of(names)]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        # one name: itself, and its most telling word
        (["parcelhub-api-mira"], ["parcelhub-api-mira", "parcelhub"]),
        (["alice"], ["alice"]),
        (["ParcelHubMailer"], ["ParcelHubMailer", "Parcel"]),
        (["svc-acme01"], ["svc-acme01", "acme"]),
        (["eva@parcelhub.example"], ["eva@parcelhub.example", "parcelhub"]),
        # nothing in it is more than a word of everywhere
        (["svc-prod-api"], []),
        (["prod", "staging"], []),
        (["deploy-3f2a9c1d"], []),
        (["deploy-deadbeefcafe"], []),
        (
            ["AWSReservedSSO_NorthwindOps_4f1c2d3e5a6b7c8d"],
            ["AWSReservedSSO_NorthwindOps_4f1c2d3e5a6b7c8d", "Northwind"],
        ),
        (["NorthwindProductionDeployment"], ["NorthwindProductionDeployment", "Northwind"]),
        # several: what they share, then themselves
        (["parcelhub-api-mira", "parcelhub-api-max"], ["parcelhub-api", "parcelhub", "parcelhub-api-mira"]),
        (["mira.parcelhub", "jonas.parcelhub"], ["parcelhub", "mira.parcelhub", "jonas.parcelhub"]),
        (["svcmail1", "svcmail2"], ["svcmail", "svcmail1", "svcmail2"]),
        (["a-northwind-b", "c-northwind-d", "other"], ["northwind", "a-northwind-b", "c-northwind-d", "other"]),
        # a cut word is no pattern
        (["parcelone", "parceltwo"], ["parcelone", "parceltwo"]),
        ([], []),
    ],
)
def test_what_to_search_for(names: list[str], expected: list[str]) -> None:
    assert texts(*names)[: len(expected)] == expected
    assert bool(expected) == bool(texts(*names))


def test_the_seven_of_the_story_share_one_pattern() -> None:
    found = patterns_of(STOLEN_USERS)
    assert found[:2] == (Pattern("parcelhub-api", 7), Pattern("parcelhub", 7))
    assert all(pattern.names == 1 for pattern in found[2:])


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "HIDDEN_DUE_TO_SECURITY_REASONS",
        "AKIARTX3GSDSQAAAAAAA",
        "user-ASIARTX3GSDSQAAAAAAA",
        "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY0",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "…",
    ],
)
def test_what_may_be_a_secret_is_never_searched_for(name: str) -> None:
    assert clean_name(name) is None
    assert patterns_of([name]) == ()


def test_a_name_cannot_break_out_of_a_query() -> None:
    assert clean_name('mira" org:victim OR "x') == "miraorgvictimORx"
    assert clean_name("<!channel>\n*bold*") == "channelbold"


@given(st.lists(st.text(max_size=80), max_size=8))
def test_any_names_give_harmless_patterns(names: list[str]) -> None:
    found = patterns_of(names)
    assert len(found) <= MOST_PATTERNS
    for pattern in found:
        assert re.fullmatch(r"[A-Za-z0-9._@+=,-]{4,64}", pattern.text)
        assert len(pattern.text) <= LONGEST
        assert quote(pattern.text, safe="").isascii()


@given(st.sets(st.from_regex(r"northwind-[a-z]{3,8}", fullmatch=True), min_size=2, max_size=8))
def test_what_all_share_comes_first_and_is_in_all(names: set[str]) -> None:
    first = patterns_of(sorted(names))[0]
    assert first.text.startswith("northwind")
    assert first.names == len(names)
