"""Hostile bytes from a seed: real payloads with a few things wrong in them, and bytes that were never any payload."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from tests.intake.samples import DATA, KEY, SECRET

CORPUS = tuple(
    each
    for file in sorted([*DATA.glob("*.json"), *DATA.glob("*.jsonl"), *DATA.glob("sns/*.json")])
    for each in (file.read_text().splitlines() if file.suffix == ".jsonl" else [file.read_text()])
)
"""One alert, or one list of them, each."""
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**63, 10**400, 1e308, -0.0, "", " ", "null", "NaN", "\x00", "\u202e", "\ufffe"),
    *([], {}, [[]], {"": {}}, [None], "a" * 5_000, "-" * 3_000, "\\" * 2_000, '"' * 500, "(" * 2_000),
    *(KEY, f"{KEY}/{SECRET}", f"{KEY} " * 400, "arn:aws:iam::111122223333:user/" + "x" * 2_000, "arn:" * 2_000),
    *("1.2.3.4 " * 500, "1." * 3_000, "::" * 2_000, "fe80::1%eth0", "999.999.999.999", "2026-02-30T00:00:00Z"),
    *("9999-12-31T23:59:59-23:59", "Sat, 99 Foo 9999 99:99:99 GMT", "<!channel>", "*_~`>", "aws-cli/1 " * 300),
    *("sts:" + "Get" * 1_000, "GeneratedFinding", "AWS::IAM::AccessKey:null", {"$ref": "#"}, "{{title}}", "\ud800"),
)
LARGEST = 20_000
"""What is larger is not made still larger: the input is to be hostile to the bot, not to whoever makes it."""
BYTES = (
    b"\x00",
    b"\xff",
    b"\xc0\xaf",
    b"{",
    b"[",
    b'"',
    b"\\u",
    b"\\ud800",
    b"1e999",
    b"NaN",
    b"-",
    b",",
    b"\xef\xbb\xbf",
)


def body(random: Random) -> bytes:
    """What somebody might send."""
    pick = random.random()
    if pick < 0.05:
        return random.randbytes(random.randrange(2_000))
    if pick < 0.08:
        return random.choice((b"[", b'{"a":', b'[{"b":[')) * random.randrange(1, 30_000)
    text = random.choice(CORPUS)
    if pick < 0.75:
        return json.dumps(_changed(json.loads(text), random)).encode()
    return _spoilt(text.encode(), random)


def _changed(value: Any, random: Random) -> Any:
    """``value`` with some of its members replaced, doubled, renamed, wrapped or gone."""
    for _ in range(random.randrange(1, 6)):
        value = _with_one_change(value, random)
    return value


def _with_one_change(value: Any, random: Random) -> Any:
    if not isinstance(value, dict | list) or not value or random.random() < 0.15:
        return _odd(value, random)
    place = random.choice(list(value)) if isinstance(value, dict) else random.randrange(len(value))
    inner = _with_one_change(value[place], random)
    if isinstance(value, list):
        return [*value[:place], inner, *value[place + 1 :]]
    if random.random() < 0.1:
        return {**value, str(random.choice(VALUES))[:200]: inner}
    return {**value, place: inner}


def _odd(value: Any, random: Random) -> Any:
    if len(repr(value)) > LARGEST:
        return random.choice(VALUES)
    match random.randrange(6):
        case 0:
            return [value] * random.randrange(120)
        case 1:
            return {"detail": value, "Message": json.dumps(value, default=str), "Type": "Notification", "TopicArn": "t"}
        case 2:
            return json.dumps(value)
        case 3:
            return _nested(value, random.randrange(80))
    return random.choice(VALUES)


def _nested(value: Any, depth: int) -> Any:
    for _ in range(depth):
        value = [value]
    return value


def _spoilt(text: bytes, random: Random) -> bytes:
    """``text`` with bytes changed, put in, left out or repeated."""
    spoilt = bytearray(text)
    for _ in range(random.randrange(1, 12)):
        at = random.randrange(len(spoilt) + 1)
        match random.randrange(4):
            case 0:
                spoilt[at:at] = random.choice(BYTES) * random.randrange(1, 4)
            case 1:
                del spoilt[at : at + random.randrange(1, 200)]
            case 2:
                spoilt[at:at] = spoilt[max(0, at - 400) : at]
            case _ if at < len(spoilt):
                spoilt[at] = random.randrange(256)
    return bytes(spoilt)
