"""Imported by the server that processes are forked from: reads the service models of AWS, most of a start."""

from __future__ import annotations

from tests.remediation.process import SESSION

for service in ("iam", "sts", "organizations", "wafv2", "sesv2"):
    SESSION.client(service)
