"""The program `pellucid`, where pip installed it."""

import sys


def main():
    """Runs the command line on `sys.argv`."""
    from ._native import command

    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(command(["pellucid", *sys.argv[1:]]))
