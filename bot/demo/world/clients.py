"""The clients the organisation's people and machines call AWS with, as CloudTrail writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

CLIENTS: Mapping[str, str] = {
    "cli2 macos": "aws-cli/2.28.12 md/awscrt#0.27.6 ua/2.1 os/macos#24.6.0 md/arch#arm64 lang/python#3.13.5 "
    "md/pyimpl#CPython m/n,E,b cfg/retry-mode#standard md/installer#exe sid/{sid} md/prompt#off md/command#{command}",
    "cli2 ubuntu": "aws-cli/2.27.50 md/awscrt#0.26.1 ua/2.1 os/linux#6.8.0-64-generic md/arch#x86_64 "
    "lang/python#3.13.4 md/pyimpl#CPython m/n,E,b cfg/retry-mode#standard md/installer#exe md/distrib#ubuntu.24 "
    "sid/{sid} md/prompt#off md/command#{command}",
    "cli2 windows": "aws-cli/2.15.30 Python/3.11.8 Windows/10 exe/AMD64 prompt/off command/{command}",
    "cli2 old macos": "aws-cli/2.13.9 Python/3.11.4 Darwin/23.6.0 exe/x86_64 prompt/off command/{command}",
    "boto3 macos": "Boto3/1.40.11 md/Botocore#1.40.11 ua/2.1 os/macos#24.6.0 md/arch#arm64 lang/python#3.12.4 "
    "md/pyimpl#CPython m/n,b,Z cfg/retry-mode#legacy Botocore/1.40.11",
    "boto3 linux": "Boto3/1.38.46 md/Botocore#1.38.46 ua/2.1 os/linux#5.10.239-236.958.amzn2.x86_64 md/arch#x86_64 "
    "lang/python#3.11.13 md/pyimpl#CPython m/g,b,Z cfg/retry-mode#legacy Botocore/1.38.46",
    "terraform macos": "APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io) "
    "terraform-provider-aws/5.72.1 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.32.2 "
    "ua/2.1 os/macos lang/go#1.23.2 md/GOOS#darwin md/GOARCH#arm64",
    "terraform linux": "APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io) "
    "terraform-provider-aws/5.72.1 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.32.2 "
    "ua/2.1 os/linux lang/go#1.23.2 md/GOOS#linux md/GOARCH#amd64",
    "browser macos": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/138.0.0.0 Safari/537.36",
    "browser windows": "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "java linux": "aws-sdk-java/2.31.78 md/io#sync md/http#Apache ua/2.1 os/Linux#5.10.239 lang/java#21.0.7 "
    "md/OpenJDK_64-Bit_Server_VM#21.0.7+6-LTS md/vendor#Amazon.com_Inc. md/en_US m/N,b exec-env/AWS_ECS_FARGATE",
    "node lambda": "aws-sdk-js/3.840.0 ua/2.1 os/linux#5.10.239-267.948.amzn2.x86_64 lang/js md/nodejs#22.15.1 "
    "exec-env/AWS_Lambda_nodejs22.x",
    "python lambda": "Boto3/1.38.36 md/Botocore#1.38.36 ua/2.1 os/linux#5.10.239-267.948.amzn2.x86_64 md/arch#x86_64 "
    "lang/python#3.13.3 md/pyimpl#CPython exec-env/AWS_Lambda_python3.13 m/Z,b,D Botocore/1.38.36",
    "go linux": "aws-sdk-go-v2/1.36.5 ua/2.1 os/linux lang/go#1.24.4 md/GOOS#linux md/GOARCH#amd64",
    "ssm agent": "aws-sdk-go/1.55.7 (go1.23.10; linux; amd64) amazon-ssm-agent/3.3.2299.0",
    "kali": "aws-cli/1.22.34 Python/3.9.11 Linux/5.15.0-kali3-amd64 botocore/1.27.84",
    "thief boto3": "Boto3/1.24.96 Python/3.10.6 Linux/5.15.0-52-generic Botocore/1.27.96",
    "thief windows": "aws-cli/2.8.5 Python/3.9.11 Windows/10 exe/AMD64 prompt/off command/{command}",
}

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_VERSION = re.compile(r"\d{8}(v\d)?$")


def user_agent(client: str, call: str, sid: str) -> str:
    """What ``client`` sends for ``call`` in the terminal session ``sid`` (12 hex digits)."""
    template = CLIENTS[client]
    if "{command}" not in template:
        return template
    return template.replace("{sid}", sid).replace("{command}", _command(call))


@cache
def _command(call: str) -> str:
    service, _, name = call.partition(":")
    return f"{service}.{_WORD_START.sub('-', _VERSION.sub('', name)).lower()}"
