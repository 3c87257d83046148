"""What is ordinary here: learned from the history, stated in config, corrected by analysts; and told to people.

Enrichers ask it through ``bot.model.Usual``. It is learned from an even sample, so it costs the same over a million
events as over ten million, and is kept until the history has gone on by an hour.
"""
