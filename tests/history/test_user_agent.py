"""User agents → families, as written by AWS tools, and as an attacker may write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.families import terminal_of
from bot.history.user_agent import family_of, is_offensive
from bot.model import family_is_new, offensive_distribution, offensive_name, offensive_tool

KALI_V1 = "aws-cli/1.22.34 Python/3.9.11 Linux/5.15.0-kali3-amd64 botocore/1.27.84"
KALI_V2 = (
    "aws-cli/2.23.6 md/awscrt#0.23.8 ua/2.1 os/linux#6.12.38+kali-amd64 md/arch#x86_64 lang/python#3.12.6 m/Z,g,E,C,b "
    "cfg/retry-mode#standard md/distrib#kali.2025 sid/4c55b1738b6d md/prompt#off md/command#s3.ls"
)
TERRAFORM = (
    "APN/1.0 HashiCorp/1.0 Terraform/1.0.3 (+https://www.terraform.io) terraform-provider-aws/3.76.1 "
    "aws-sdk-go/1.40.1 (go1.16; darwin; amd64)"
)


def mac(version: str, command: str, session: str) -> str:
    return (
        f"aws-cli/{version} md/awscrt#0.28.2 ua/2.1 os/macos#24.6.0 md/arch#arm64 lang/python#3.13.7 "
        f"sid/{session} md/prompt#off md/command#{command}"
    )


@pytest.mark.parametrize(
    ("agent", "family"),
    [
        (KALI_V1, "aws-cli/1|linux|kali|-"),
        (KALI_V1.replace("1.22.34", "1.27.2").replace("1.27.84", "1.29.2"), "aws-cli/1|linux|kali|-"),
        (KALI_V2, "aws-cli/2|linux|kali|-"),
        (mac("2.31.0", "ses.get-send-quota", "0123456789ab"), "aws-cli/2|macos|-|-"),
        (mac("2.32.5", "s3.ls", "ba9876543210"), "aws-cli/2|macos|-|-"),
        ("Boto3/1.26.90 Python/3.9.2 Linux/6.0.0-kali6-amd64 Botocore/1.29.90", "boto3|linux|kali|-"),
        ("[S3 Browser/12.2.9 (https://s3browser.com)]", "s3browser|-|-|-"),
        ("TruffleHog", "offensive:trufflehog"),
        ("aws-cli/1.22.34 Python/3.9.11 Linux/5.15.0-alikalix-amd64 botocore/1.27.84", "aws-cli/1|linux|-|-"),
        ("aws-cli/2.2.16 Python/3.8.8 Darwin/20.5.0 exe/x86_64 prompt/off command/s3.sync", "aws-cli/2|macos|-|-"),
        ("aws-cli/2.17.32", "aws-cli/2|-|-|-"),
        (TERRAFORM, "terraform|macos|-|-"),
        ("[S3Console/0.4, aws-internal/3 aws-sdk-java/1.11.783 Linux/4.9.217]", "aws-internal"),
        ("AWS Internal", "aws-internal"),
        ("console.amazonaws.com", "console"),
        ("console.ec2.amazonaws.com", "console"),
        ("ec2.amazonaws.com", "service"),
        ("secretsmanager.amazonaws.com.cn", "service"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36", "browser|windows"),
        ("stratus-red-team_ea782787-a65d-4fc4-9fca-1c97869a9a25", "offensive:stratus-red-team"),
        ("python-requests/2.31.0", "other:python-requests"),
        ("aws-cli/2.15.0 os/linux#6.1.61 md/distrib#amzn.2023 exec-env/CloudShell", "aws-cli/2|linux|amzn|cloudshell"),
        ("Boto3/1.34 md/Botocore#1.34 os/linux#5.10 exec-env/AWS_Lambda_python3.12", "boto3|linux|-|aws_lambda"),
        ("", "none"),
        ("-", "none"),
        (" [ ] ", "none"),
        # Calling itself internal does not hide the system it runs on.
        ("aws-internal/3 Linux/5.15.0-kali3-amd64", "other:aws-internal|linux|kali|-"),
        ("Mozilla/5.0 (X11; Kali; Linux x86_64)", "browser|linux|kali|-"),
    ],
)
def test_family(agent: str, family: str) -> None:
    assert family_of(agent) == family


@pytest.mark.parametrize(
    ("family", "known", "new"),
    [
        ("aws-cli/1|linux|kali|-", ["aws-cli/1|linux|kali|-"], False),
        ("aws-cli/1|linux|kali|-", ["aws-cli/1|linux|ubuntu|-"], True),
        ("aws-cli/1|linux|kali|-", ["aws-cli/1|linux|-|-"], True),
        ("aws-cli/1|linux|kali|-", ["aws-cli/1|-|-|-"], True),
        ("aws-cli/1|linux|-|-", ["aws-cli/1|linux|kali|-"], False),
        ("aws-cli/2|-|-|-", ["aws-cli/2|macos|-|-"], False),
        ("aws-cli/2|macos|-|-", ["aws-cli/2|-|-|-"], False),
        ("aws-cli/2|macos|-|-", ["aws-cli/1|macos|-|-"], True),
        ("aws-cli/2|macos|-|-", ["aws-cli/2|linux|-|-"], True),
        ("browser|linux", ["browser|windows"], True),
        ("offensive:trufflehog", ["browser|linux", "none"], True),
        ("none", ["none"], False),
        ("boto3|linux|-|-", [], True),
    ],
)
def test_a_part_nobody_told_does_not_make_a_client_new(family: str, known: list[str], new: bool) -> None:
    assert family_is_new(family, known) is new


def test_what_makes_a_family_offensive_is_named() -> None:
    assert offensive_name("aws-cli/1|linux|kali|-") == offensive_distribution("aws-cli/1|linux|kali|-") == "Kali Linux"
    assert offensive_name("offensive:trufflehog") == offensive_tool("offensive:trufflehog") == "TruffleHog"
    assert offensive_tool("aws-cli/1|linux|kali|-") is None
    assert offensive_distribution("offensive:trufflehog") is None
    assert [
        family for family in ("boto3|linux|ubuntu|-", "other:kali", "none", "console") if is_offensive(family)
    ] == []


@pytest.mark.parametrize("system", ["kali", "parrot", "pentoo", "blackarch"])
def test_every_penetration_testing_system_is_found_in_a_kernel_name(system: str) -> None:
    assert is_offensive(family_of(f"Boto3/1.26.90 Python/3.9.2 Linux/6.0.0-{system}6-amd64 Botocore/1.29.90"))
    assert not is_offensive(family_of(f"Boto3/1.26.90 Python/3.9.2 Linux/6.0.0-my{system}s-amd64 Botocore/1.29.90"))


def test_the_session_id_is_the_terminal() -> None:
    assert terminal_of(KALI_V2) == "4c55b1738b6d"
    assert terminal_of(KALI_V1) is None
    assert terminal_of("aws-cli/2 sid/4c55b1738b6dff") is None


@given(st.text(max_size=3000))
def test_any_text_has_a_family(agent: str) -> None:
    family = family_of(agent)
    assert family
    assert len(family) < 200
    assert not family_is_new(family, [family])


@given(st.sampled_from(["(", "[", "/", "a", "exec-env/", "md/distrib#", "aws ", " ", "kali"]), st.integers(1, 100_000))
def test_repetition_costs_nothing(piece: str, times: int) -> None:
    assert family_of(piece * times) == family_of((piece * times)[:1024])
