"""Providers for the SDK tests: they answer what they are asked, each in its own dialect, in the form of recorded traffic."""
