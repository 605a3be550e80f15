"""A dialect that nobody speaks, to show what it takes to add one: this folder and a line in the registry."""
