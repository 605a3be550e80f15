"""The command `dragoman`, and its exit statuses."""

FAILED = 1
MISUSED = 2
"""For a command line or configuration that cannot be used, as argparse has it."""
INTERRUPTED = 130
