"""Each face on its paths."""
