from __future__ import annotations

from pathlib import Path

import pytest

from bot.model import Verdict
from bot.weights import SHIPPED, WeightsError, doubts, load_weights, own_weights, shipped

TABLE = SHIPPED.read_text()


def problems(path: Path, text: str) -> list[str]:
    path.write_text(text)
    with pytest.raises(WeightsError) as raised:
        load_weights(path)
    return raised.value.problems


def test_the_shipped_table_is_sound() -> None:
    weights = shipped()
    assert weights.caps == {"tool": 45, "network": 35, "behaviour": 45, "spread": 45, "intel": 60}
    assert {kind for kind, weight in weights.signals.items() if not weight.question.endswith("?")} == set()


def test_no_class_alone_makes_an_incident() -> None:
    """More than one kind of oddity is needed; only a floor says it by itself."""
    weights = shipped()
    assert max(weights.caps.values()) < weights.bands[Verdict.INCIDENT]


@pytest.mark.parametrize(
    ("score", "verdict"),
    [(0, "low"), (24, "low"), (25, "suspicious"), (49, "suspicious"), (50, "probable"), (74, "probable"),
     (75, "incident"), (100, "incident")],
)  # fmt: skip
def test_bands(score: int, verdict: str) -> None:
    assert shipped().band(score) == verdict


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("points = 35", "points = -1", 'signals."ua.offensive".points must be a whole number from 0 to 100, not -1.'),
        ("points = 35", 'points = "many"', "must be a whole number from 0 to 100, not 'many'."),
        ("points = 35", "points = true", "must be a whole number from 0 to 100, not True."),
        ('class = "tool"', 'class = "tol"', 'signals."ua.offensive".class is \'tol\'; there are: tool, network, '),
        ("points = 35", "points = 35\npionts = 3", 'signals."ua.offensive".pionts is no key; there are: class'),
        ("incident = 75", "incident = 40", "[bands] must fall from incident over probable to suspicious."),
        ("tool = 45", "tool = 450", "caps.tool must be a whole number from 0 to 100, not 450."),
        ('["ip.hosting"]', '["ip.hostig"]', "counted_in names 'ip.hostig', which is no signal here."),
        ('restates = "ip.hosting"', 'restates = "x"', "findings.restates names 'x', which is no signal here."),
        ('name = "a GuardDuty finding"', 'name = ""', '"guardduty.finding".name must be a few words, not \'\'.'),
        ("[bands]", "[bnds]", "[bands] must be a table."),
        ("[caps]", "[caps", "is no TOML file"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_told_in_sentences(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    found = problems(tmp_path / "weights.toml", TABLE.replace(old, new))
    assert any(sentence in problem for problem in found), found


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    text = TABLE.replace("points = 35", "points = 999").replace("tool = 45", "tool = 450")
    assert len(problems(tmp_path / "weights.toml", text)) == 2


def test_a_file_of_other_things_is_told(tmp_path: Path) -> None:
    assert problems(tmp_path / "weights.toml", 'bands = 3\nsignals = ["a"]\nfindings = [1]\n')


# ------------------------------------------------------------------------------------- a table of one's own


def test_a_table_of_ones_own_holds_only_what_differs(tmp_path: Path) -> None:
    file = tmp_path / "weights.toml"
    file.write_text("""\
[bands]
incident = 80
[caps]
vendor = 20
[signals."ua.offensive"]
points = 40
[signals."vendor.alarm"]
name = "an alarm of ours"
question = "Does our own sensor say so?"
class = "vendor"
points = 20
[[findings]]
type = "PenTest:"
floor = 60
""")
    own = own_weights(file)
    assert own.bands == {**shipped().bands, Verdict.INCIDENT: 80}
    assert own.caps == {**shipped().caps, "vendor": 20}
    assert own.signals["ua.offensive"].points == 40
    assert own.signals["ua.offensive"].question == shipped().signals["ua.offensive"].question
    assert own.signals["vendor.alarm"].class_ == "vendor"
    assert own.findings[0].floor == 60
    assert own.findings[1:] == shipped().findings
    assert doubts(own) == []


def test_a_class_that_is_enough_alone_is_doubtful(tmp_path: Path) -> None:
    (tmp_path / "w.toml").write_text("[caps]\nintel = 80\n")
    assert doubts(own_weights(tmp_path / "w.toml")) == [
        "caps.intel lets one kind of oddity alone be an incident (80 of 75 points)"
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[signals."vendor.alarm"]\npoints = 3', 'w.toml: signals."vendor.alarm".name must be a few words, not None.'),
        ('[signals."ua.offensive"]\npoints = 300', "must be a whole number from 0 to 100, not 300."),
        ('[signals."ua.offensive"]\ncounted_in = 3', '"ua.offensive".counted_in must be a list, not 3.'),
        ('[signals."ua.offensive"]\nexpected = 1', '"ua.offensive".expected must be true or false, not 1.'),
        ('[signals."ua.offensive"]\nfloor_beside = {tol = 3}', "floor_beside names 'tol'; there are: tool, network, "),
        ("[signal]\n", "w.toml: signal is no key; there are: bands, caps, findings, signals."),
        ("findings = 3", "w.toml: findings must be a list, not 3."),
        ("signals = 3", "w.toml: [signals] must be a table."),
        ("[bands", "w.toml is no TOML file"),
        (None, "w.toml cannot be read: No such file or directory."),
    ],
)
def test_a_fault_in_ones_own_table_is_a_sentence(tmp_path: Path, text: str | None, sentence: str) -> None:
    if text is not None:
        (tmp_path / "w.toml").write_text(text)
    with pytest.raises(WeightsError) as raised:
        own_weights(tmp_path / "w.toml")
    assert any(sentence in problem for problem in raised.value.problems), raised.value.problems
