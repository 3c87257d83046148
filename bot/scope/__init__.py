"""From one key to every key in the same hands.

``reading`` asks the history, ``rounds`` searches to closure, ``evidence`` weighs one key against what is known of the
attacker, ``ground`` knows what was usual before. Weights and thresholds are in ``scope.toml``.
"""
