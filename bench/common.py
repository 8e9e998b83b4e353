"""What every race needs: pinned versions, the machine, and how a spread is written."""

import hashlib
import importlib.metadata
import os
import pathlib
import platform
import statistics
import sys
from typing import Iterable


def check_versions(folder: pathlib.Path) -> dict[str, str]:
    """The pins of `requirements.txt`, if they are what is installed; ends the program otherwise."""
    lines = (folder / "requirements.txt").read_text().splitlines()
    pins = dict(line.strip().split("==") for line in lines if line.strip() and not line.startswith("#"))
    installed = {package.name.replace("-", "_"): package.version for package in importlib.metadata.distributions()}
    found = {name: installed.get(name.replace("-", "_"), "nothing") for name in pins}
    if found != pins:
        others = {name: pin for name, pin in pins.items() if found[name] != pin}
        sys.exit("\n".join(f"{name}: {pin} is wanted, {found[name]} is installed" for name, pin in others.items()))
    return pins


def spread(numbers: list[float], form: str) -> str:
    """The median, and least and most where they differ from it."""
    middle, low, high = (format(n, form) for n in (statistics.median(numbers), min(numbers), max(numbers)))
    return middle if low == high else f"{middle} [{low}–{high}]"


def machine(instructions: Iterable[str]) -> dict[str, str]:
    """The processor, which of these instructions it has, and the Python."""
    cpu = dict(
        [part.strip() for part in line.split(":", 1)]
        for line in reversed(pathlib.Path("/proc/cpuinfo").read_text().splitlines())
        if ":" in line
    )
    flags = cpu.get("flags", "").split()
    return dict(
        cpu=f"{cpu.get('model name')}, family {cpu.get('cpu family')} model {cpu.get('model')}, {os.cpu_count()} CPUs",
        instructions=" ".join(flag for flag in instructions if flag in flags),
        python=platform.python_version(),
    )


def fingerprint(program: pathlib.Path) -> str:
    return hashlib.sha256(program.read_bytes()).hexdigest()[:12]
