"""How well does a profile fit a posting? An analysis in which every claim cites, and every number derives.

    report = pel.position.analyze("cv.pdf", "posting.html", as_of="2025-01-01")
    report.fit.lo, report.fit.hi
    report.save("report.html")

It is for one person's own application: it ranks nobody, and reads English only. The same bytes as `pellucid position` writes.
"""

import html
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from fractions import Fraction
from typing import NamedTuple

from ._native import PositionReport as _Native
from .errors import UsageError

__all__ = ["Cite", "Fit", "PositionReport", "Requirement", "analyze"]


class Cite(NamedTuple):
    """A passage: its document, where that is (line, page or node), its bytes in the text that was read, and what it says."""

    document: str
    place: str
    start: int
    end: int
    quote: str


class Fit(NamedTuple):
    """The interval of all weighted means of credits that the verdicts allow, as exact fractions, and a word for it.

    It is the coverage of the posting's stated requirements by these documents, not a probability of anything.
    """

    lo: Fraction
    hi: Fraction
    label: str


@dataclass(frozen=True)
class Requirement:
    """What the posting asks, and what became of it.

    Attributes
    ----------
    text : str
        The posting's own words.
    status : str
        `met`, `partial`, `claim_only`, `transferable`, `unknown`, `not_found` or `contradicted`.
    cites : list of Cite
        What in the profile it rests on.
    source : Cite
        Where the posting asks.
    strength : str
        How much it insists: `must`, `strong`, `nice` or `inferred`.
    gate : bool
        Whether it stands beside the fit and is never averaged: a licence, a place, a permit.
    rule, because : str
        The rule that decided, and why.
    credit, weight : tuple of Fraction
        From the least to the most.
    """

    text: str
    status: str
    cites: list
    source: Cite
    strength: str
    gate: bool
    rule: str
    because: str
    credit: tuple
    weight: tuple


def analyze(profile, posting, *, as_of=None, notes=(), encoder=None):
    """Compares what a posting states with what documents show.

    Parameters
    ----------
    profile : path, (name, content), or a list of these
        CV, publications, whatever speaks of the person: Markdown, text, HTML, PDF, DOCX, JSON Resume, BibTeX, or the folder of a git checkout.
        `("cv.md", text)` is a text or bytes that stand in no file; the name's ending says what it is.
    posting : path or (name, content)
    as_of : date or str, optional
        The day of the analysis, `2025-01-31` or `2025-01` (its last day); months that are over by then count. Today (UTC) without.
    notes : path, (name, content), or a list of these, optional
        What else is known about the employer; only quoted.
    encoder : None
        Room for a sentence encoder, which there is none yet: candidates come from the table of names and n-grams.

    Returns
    -------
    PositionReport

    Raises
    ------
    DataError
        When a document can't be read, is not in English, or the posting asks for nothing.
    UsageError
        When the posting reads like a CV and the profile like a posting.

    Examples
    --------
    >>> import pellucid as pel
    >>> profile = "# Experience\\n\\n## Developer, Acme, 2018-01 to 2022-12\\n\\n- Wrote the API in Go."
    >>> posting = "# Requirements\\n\\n- Experience with Go\\n- Experience with Kubernetes"
    >>> report = pel.position.analyze(("cv.md", profile), ("posting.md", posting), as_of="2025-01-01")
    >>> report.fit.lo, report.fit.hi
    (Fraction(1, 2), Fraction(1, 2))
    >>> [(asked.text, asked.status) for asked in report.requirements]
    [('Experience with Go', 'met'), ('Experience with Kubernetes', 'not_found')]
    """
    if encoder not in (None, "none"):
        raise UsageError("there is no sentence encoder yet; leave encoder out")
    if isinstance(posting, (str, os.PathLike)) and os.path.isdir(posting):
        raise UsageError(f"{os.fspath(posting)}: this is a folder; a call analyzes one posting")
    profile = _documents(profile, "profile")
    if not profile:
        raise UsageError("give at least one document as the profile")
    return PositionReport(
        _Native.analyze(profile, _document(posting, "posting"), _documents(notes, "notes"), _day(as_of))
    )


class PositionReport:
    """An analysis, in every form that `pellucid position -o` writes.

    Attributes
    ----------
    fit : Fit
    requirements : list of Requirement
    findings : list of str
        What is odd about the documents.
    """

    def __init__(self, native):
        self._native = native
        told = self.to_dict()
        lo, hi = native.interval
        self.fit = Fit(Fraction(lo), Fraction(hi), told["fit"]["label"])
        self.requirements = [_requirement(asked) for asked in told["requirements"]]
        self.findings = native.findings

    def to_dict(self):
        """What `to_json` says, as Python's own types."""
        return json.loads(self.to_json())

    def to_json(self):
        """The whole analysis, `pellucid.position/1`."""
        return self._native.json()

    def to_markdown(self):
        """The report as Markdown."""
        return self._native.markdown()

    def to_html(self):
        """The report as one page, which needs no network."""
        return self._native.html()

    def to_docx(self):
        """The report as the bytes of a Word document."""
        return self._native.docx()

    def save(self, path):
        """Writes the report to a file, by its ending: .md .html .json .docx."""
        ending = os.path.splitext(os.fspath(path))[1].lower()
        forms = {".md": self.to_markdown, ".html": self.to_html, ".json": self.to_json, ".docx": self.to_docx}
        if ending not in forms:
            raise UsageError(f"`{os.fspath(path)}`: an analysis is written as {' '.join(forms)}")
        written = forms[ending]()
        with open(path, "wb") as file:
            file.write(written if isinstance(written, bytes) else written.encode())

    def _repr_html_(self):
        # In a frame: its style would reach out into the notebook.
        return f'<iframe title="Position analysis" style="width:100%;height:640px;border:0" srcdoc="{html.escape(self.to_html())}"></iframe>'

    def __repr__(self):
        met = sum(asked.status == "met" for asked in self.requirements)
        return f"PositionReport({self.fit.lo} to {self.fit.hi}: {self.fit.label}; {met} of {len(self.requirements)} requirements met)"


def _requirement(told):
    span = lambda cite: Cite(*(cite[name] for name in Cite._fields))
    ends = lambda pair: tuple(Fraction(end) for end in pair)
    return Requirement(
        text=told["text"],
        status=told["status"],
        cites=[span(cite) for cite in told["cites"]],
        source=span(told["source"]),
        strength=told["strength"],
        gate=told["gate"],
        rule=told["verdict"]["rule"],
        because=told["verdict"]["because"],
        credit=ends(told["credit"]),
        weight=ends(told["weight"]),
    )


def _documents(given, what):
    several = isinstance(given, Sequence) and not isinstance(given, (str, bytes))
    if several and not _is_held(given):
        return [_document(one, what) for one in given]
    return [_document(given, what)]


def _is_held(given):
    """Whether this is a name with a content; a list is several documents, a pair of a name and a text one."""
    return isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], str) and isinstance(given[1], (str, bytes))


def _document(given, what):
    if _is_held(given):
        name, content = given
        if isinstance(content, str) and "\n" not in content and os.path.exists(content):
            raise UsageError(f"{what}: ({name!r}, {content!r}) is a name and a text; of two files make a list")
        return name, content.encode() if isinstance(content, str) else content
    if isinstance(given, (bytes, bytearray)) or (isinstance(given, str) and "\n" in given):
        raise UsageError(f"{what}: a text or bytes need a name whose ending says what they are, as in (\"cv.md\", text)")
    return os.fspath(given)


def _day(given):
    if given is None:
        given = datetime.now(timezone.utc).date()
    if isinstance(given, date):
        return given.year, given.month, given.day
    parts = re.fullmatch(r"(\d{4})-(\d{2})(?:-(\d{2}))?", str(given))
    if parts is None:
        raise UsageError(f"as_of {given!r}: a day is written 2025-01-31, or 2025-01 for the last one of a month")
    year, month, day = parts.groups()
    return int(year), int(month), None if day is None else int(day)
