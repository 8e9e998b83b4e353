"""`python -m pellucid` is the program `pellucid`."""

from ._command import main

if __name__ == "__main__":
    main()
