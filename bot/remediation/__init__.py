"""Changes to the world: planned from reading AWS, approved by a person, made once, read back, and taken back."""
