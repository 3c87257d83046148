"""What the reading role must be allowed beside what remediations read: every call of the modules that look into AWS."""

from __future__ import annotations

from bot import iam, statistics

READING = iam.PERMISSIONS | statistics.PERMISSIONS
