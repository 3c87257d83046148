"""Raw user agent → client family.

A family drops what changes with every command or update: AWS CLI v2 writes the command itself into its user agent
(``md/command#ses.get-send-quota``), so "this raw string is new" is noise. Families read
``tool[/major]|os|distribution|environment``, and for what has no such parts: ``offensive:<tool>``, ``browser|<os>``,
``aws-internal``, ``console``, ``service``, ``other:<first token>`` and ``none`` for an empty one.

User agents are written by whoever calls: at most 1 KB is looked at (CloudTrail itself truncates there) and every
pattern is linear.
"""

from __future__ import annotations

import re
from functools import lru_cache

from bot.families import OFFENSIVE_DISTRIBUTIONS, OFFENSIVE_PREFIX, UNKNOWN, offensive_name

MAX_LENGTH = 1024
NO_AGENT = "none"

_OFFENSIVE_TOOLS = {
    "trufflehog": "trufflehog",
    "stratus-red-team": "stratus-red-team",
    "exec-env/grimoire": "grimoire",
    "pacu/": "pacu",
    "cloudfox": "cloudfox",
    "scout suite": "scoutsuite",
    "scoutsuite": "scoutsuite",
    "enumerate-iam": "enumerate-iam",
    "weirdaal": "weirdaal",
}
_NAMED_TOOLS = {
    "terraform": "terraform",
    "opentofu": "opentofu",
    "pulumi": "pulumi",
    "ansible": "ansible",
    "packer/": "packer",
    "aws-cdk": "aws-cdk",
    "apn_1826889": "prowler",
    "prowler": "prowler",
    "s3 browser": "s3browser",
    "cyberduck": "cyberduck",
    "winscp": "winscp",
    "rclone": "rclone",
    "grafana": "grafana",
    "hashicorp-vault": "vault",
    "vault/": "vault",
}
_CONSOLE_MARKS = ("console.amazonaws.com", "signin.amazonaws.com", "s3console", "consolefrontend", "coral/")
_SYSTEMS = (("windows", "windows"), ("darwin", "macos"), ("macos", "macos"), ("mac os x", "macos"), ("linux", "linux"))

_OFFENSIVE_DISTRIBUTION = re.compile(rf"(?:^|[^a-z])({'|'.join(OFFENSIVE_DISTRIBUTIONS)})(?![a-z])")
_DISTRIBUTION = re.compile(r"(?:^|\s)md/distrib#([a-z]{1,32})|[.\-](amzn)\d")
_AWS_INTERNAL = re.compile(r"^aws internal|(?:^|[\s,])aws-internal/")
_CONSOLE = re.compile(r"^console\.[a-z0-9-]{1,64}\.amazonaws\.com|^aws [a-z0-9 ]{1,64} console\b|^apache-httpclient/")
_SERVICE = re.compile(r"^[a-z0-9.-]{1,200}\.amazonaws\.com(?:\.cn)?(?:$|[\s/])")
_CLI = re.compile(r"(?:^|\s)aws-cli/(\d{1,3})")
_SDK = re.compile(
    r"(?:^|[\s,])(boto3|aws-sdk-[a-z0-9-]{1,32}|aws-tools-[a-z0-9-]{1,32}|awspowershell|botocore)(?:/|\s|$)"
)
_ENVIRONMENT = re.compile(r"exec-env/(aws_lambda|aws_ecs|cloudshell|ec2|[a-z][a-z_-]{0,31})")
_FIRST_TOKEN = re.compile(r"[^\s/,;(]{1,64}")


@lru_cache(maxsize=16_384)
def family_of(user_agent: str) -> str:
    """The client family of a raw user agent; never raises, whatever is in it."""
    agent = _unwrapped(user_agent[:MAX_LENGTH]).lower()
    if agent in {"", UNKNOWN}:
        return NO_AGENT
    tool = _offensive_tool(agent)
    if tool:
        return OFFENSIVE_PREFIX + tool
    # A penetration-testing system is named even in an agent that calls itself internal: the caller writes the string.
    if _OFFENSIVE_DISTRIBUTION.search(agent):
        return _with_system(_named_tool(agent) or _browser_or_other(agent), agent)
    return _internal(agent) or _plain_family(agent)


def is_offensive(family: str) -> bool:
    """True if the family is an attack tool or runs on a penetration-testing distribution."""
    return offensive_name(family) is not None


def _unwrapped(agent: str) -> str:
    agent = agent.strip()
    return agent[1:-1].strip() if agent.startswith("[") and agent.endswith("]") else agent.removeprefix("[").strip()


def _offensive_tool(agent: str) -> str | None:
    return next((tool for mark, tool in _OFFENSIVE_TOOLS.items() if mark in agent), None)


def _internal(agent: str) -> str | None:
    if _AWS_INTERNAL.search(agent):
        return "aws-internal"
    if any(mark in agent for mark in _CONSOLE_MARKS) or _CONSOLE.search(agent):
        return "console"
    return "service" if _SERVICE.search(agent) else None


def _plain_family(agent: str) -> str:
    if agent.startswith("mozilla/"):
        return f"browser|{_system(agent)}"
    tool = _named_tool(agent)
    return _with_system(tool, agent) if tool else _browser_or_other(agent)


def _named_tool(agent: str) -> str | None:
    """Terraform and its like come first: their user agents contain that of the SDK they are built on."""
    named = next((tool for mark, tool in _NAMED_TOOLS.items() if mark in agent), None)
    if named:
        return named
    cli = _CLI.search(agent)
    if cli:
        return f"aws-cli/{cli[1]}"
    sdk = _SDK.search(agent)
    return sdk[1] if sdk else None


def _browser_or_other(agent: str) -> str:
    if agent.startswith("mozilla/"):
        return "browser"
    token = _FIRST_TOKEN.search(agent)
    return f"other:{token[0].replace('|', '') if token else ''}"


def _with_system(tool: str, agent: str) -> str:
    environment = _ENVIRONMENT.search(agent)
    return "|".join(
        (tool, _system(agent), _distribution(agent), environment[1].strip("_-") if environment else UNKNOWN)
    )


def _system(agent: str) -> str:
    return next((system for mark, system in _SYSTEMS if mark in agent), UNKNOWN)


def _distribution(agent: str) -> str:
    offensive = _OFFENSIVE_DISTRIBUTION.search(agent)
    if offensive:
        return offensive[1]
    found = _DISTRIBUTION.search(agent)
    return (found[1] or found[2]) if found else UNKNOWN
