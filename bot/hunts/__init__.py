"""Hunts over the history: access-key enumeration, and playbooks of what attackers do with stolen keys.

``hunting`` asks the history; ``enumeration`` and ``matching`` think; playbooks are the TOML files in ``playbooks/``.
"""
