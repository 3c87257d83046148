"""The bot's own state in one SQLite file: inbox, jobs, outbox, cases, audit."""
