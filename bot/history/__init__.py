"""CloudTrail history behind one protocol (``bot.model.History``): reading records, keeping them, asking them."""
