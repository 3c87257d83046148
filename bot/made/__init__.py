"""What a thief makes to stay: which calls make what, who made it, whether it is still there, and what answers it."""
