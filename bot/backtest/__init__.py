"""What the bot would have said of the past: its own history replayed, and the seven-key theft laid over copies of it.

Nothing is written and nobody is told: what is laid over the history lives in memory, and ends with the command.
"""
