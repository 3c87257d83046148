"""Pictures of a scope: a timeline of its keys, and what binds them together. PNG, the same bytes for the same scope."""

from bot.charts.pictures import Picture, pictures_of

__all__ = ["Picture", "pictures_of"]
