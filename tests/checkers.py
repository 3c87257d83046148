"""Three opinions on what the bot asks Slack to show: our linter, slack_sdk's models, and the types Slack publishes.

Each misses what another sees: the models know no limits of a whole message and drop what they do not know, the types
know no lengths, and our linter is our own.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.slack.lint import lint

Json = dict[str, Any]
SCHEMA = Path(__file__).parent / "data" / "slack_types" / "schema.json"
SURFACES = {"modal": "Modal", "home": "Home", None: "Message"}
SHOWN = ("text", "blocks", "metadata")
"""What of a message is drawn; the rest of a call says where it goes."""
OF_VIEWS = ("type", "title", "submit", "close", "blocks", "callback_id", "external_id", "private_metadata")


def problems(shape: Mapping[str, Any]) -> list[str]:
    """What any of the three has against a message or view; empty if it is fine."""
    kept = {name: shape[name] for name in (OF_VIEWS if shape.get("type") else SHOWN) if shape.get(name) is not None}
    return list(_judged(json.dumps(kept, sort_keys=True)))


@cache
def _judged(told: str) -> tuple[str, ...]:
    """Once for each shape: a suite shows the same card again and again."""
    shape = json.loads(told)
    return (*_linted(shape), *_modelled(shape), *_typed(shape))


def _linted(shape: Json) -> Iterator[str]:
    yield from (f"linter: {problem}" for problem in lint({**shape, "blocks": shape.get("blocks") or []}))


def _modelled(shape: Json) -> Iterator[str]:
    try:
        if shape.get("type"):
            drawn = View(**shape).to_dict()["blocks"]
        else:
            read: Sequence[Block | None] = Block.parse_all(shape.get("blocks") or [])
            drawn = [block.to_dict() if block else {"type": None} for block in read]
    except SlackObjectFormationError as error:
        yield f"slack_sdk.models: {error}"
        return
    if (known := [each["type"] for each in drawn]) != (sent := [each["type"] for each in shape.get("blocks") or []]):
        yield f"slack_sdk.models: of {sent} it knows {known}"


def _typed(shape: Json) -> Iterator[str]:
    for error in _validator(SURFACES[shape.get("type")]).iter_errors(shape):
        yield f"@slack/types: {'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"


@cache
def _validator(surface: str) -> Draft7Validator:
    definitions = json.loads(SCHEMA.read_text(encoding="utf-8"))["definitions"]
    told = {name: _by_type(schema, definitions) for name, schema in definitions.items()}
    return Draft7Validator({"$ref": f"#/definitions/{surface}", "definitions": told})


def _by_type(schema: Any, definitions: Json) -> Any:
    """``schema`` with each union told apart by ``type`` first, so that an error is that of the kind that was meant.

    It is twenty times as fast, too: each alternative would be tried to its end.
    """
    if isinstance(schema, list):
        return [_by_type(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "anyOf" not in schema:
        return {name: _by_type(each, definitions) for name, each in schema.items()}
    alternatives = list(_alternatives(schema, definitions))
    if not all(kind for kind, _ in alternatives):
        return schema
    kinds = defaultdict(list)
    for kind, alternative in alternatives:
        kinds[kind].append(_by_type(alternative, definitions))
    chosen = [_if_type(kind, schemas) for kind, schemas in kinds.items()]
    return {"type": "object", "required": ["type"], "properties": {"type": {"enum": list(kinds)}}, "allOf": chosen}


def _if_type(kind: str | None, schemas: Sequence[Any]) -> Json:
    then = schemas[0] if len(schemas) == 1 else {"anyOf": list(schemas)}
    return {"if": {"properties": {"type": {"const": kind}}}, "then": then}


def _alternatives(schema: Json, definitions: Json) -> Iterator[tuple[str | None, Json]]:
    """What ``schema`` may be, unions within unions laid open, each with the ``type`` it has."""
    meant = definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if "anyOf" in meant:
        for each in meant["anyOf"]:
            yield from _alternatives(each, definitions)
    else:
        yield meant.get("properties", {}).get("type", {}).get("const"), schema
