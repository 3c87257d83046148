from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bot.plugins import PluginError, load_enrichers, shipped

DECLARATION = """from bot.model import Answer, Declaration, Kind
DECLARATION = Declaration("Is it odd?", frozenset({Kind.IP}), frozenset({NEEDS}))
"""
ENRICH = """def enrich(observable, context):
    return Answer("no")
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of the user's own, importable as ``ours``."""
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.partition(".")[0] == "ours"]:
        monkeypatch.delitem(sys.modules, name)
    return folder


def test_plain_names_are_ours_in_the_order_of_config() -> None:
    names = ["user_agents", "denied_calls", "usual_ips", "ip_provider"]
    assert [plugin.name for plugin in load_enrichers(names)] == names
    assert set(names) <= set(shipped())


def test_dotted_names_are_the_users_own(package: Path) -> None:
    (package / "odd.py").write_text(DECLARATION.replace("NEEDS", '"web"') + ENRICH)
    (plugin,) = load_enrichers(["ours.odd"])
    assert (plugin.name, plugin.declaration.question) == ("ours.odd", "Is it odd?")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("denied_cals", "[enrichers] enabled names 'denied_cals'; did you mean 'denied_calls'?"),
        ("zzz", f"[enrichers] enabled names 'zzz'; there are: {', '.join(shipped())}."),
        ("", f"[enrichers] enabled names ''; there are: {', '.join(shipped())}."),
        ("ours.absent", "[enrichers] enabled names 'ours.absent'; no such module can be imported: install it."),
        ("no_such.thing", "[enrichers] enabled names 'no_such.thing'; no such module can be imported: install it."),
    ],
)
def test_a_wrong_name_is_a_sentence(package: Path, name: str, sentence: str) -> None:
    with pytest.raises(PluginError) as raised:
        load_enrichers([name])
    assert str(raised.value) == sentence


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (ENRICH, "has no DECLARATION"),
        ("DECLARATION = 'yes'\n", "has no DECLARATION"),
        (DECLARATION.replace("NEEDS", ""), "has no function enrich(observable, context)"),
        (DECLARATION.replace("NEEDS", "") + "def enrich(observable): ...\n", "has no function enrich"),
        (
            DECLARATION.replace("NEEDS", '"luck"') + ENRICH,
            "needs luck; there are: cases, history, iam, ip_data, threat_lists, web",
        ),
        ("import no_such_library\n", "needs the module 'no_such_library'; install it"),
        ("raise ValueError('odd')\n", "fails to load (ValueError: odd)"),
        ("def\n", "fails to load (SyntaxError"),
    ],
)
def test_a_wrong_module_is_a_sentence(package: Path, source: str, sentence: str) -> None:
    (package / "wrong.py").write_text(source)
    with pytest.raises(PluginError) as raised:
        load_enrichers(["ours.wrong"])
    assert sentence in str(raised.value)


def test_a_name_stands_once() -> None:
    with pytest.raises(PluginError, match="'user_agents' twice"):
        load_enrichers(["user_agents", "user_agents"])
