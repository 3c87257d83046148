"""What an attacker makes to stay: a file for each kind of thing, each disabled or restored, never deleted."""
