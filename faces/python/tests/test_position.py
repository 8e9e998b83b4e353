"""Whether the position analysis is the command line's, byte for byte, and tells what it can't read."""

import datetime
import json
import pickle
import subprocess
from fractions import Fraction

import pytest

import pellucid as pel
from pellucid import errors

DAY = "2025-01-01"
PROFILE = "# Experience\n\n## Developer, Acme, 2018-01 to 2022-12\n\n- Wrote the API in Go."
POSTING = "# Requirements\n\n- Experience with Go\n- Experience with Kubernetes"


@pytest.fixture(scope="module")
def people(root):
    return root / "fixtures/position"


@pytest.mark.parametrize(
    "profile, posting",
    [
        (["developer/profile.pdf"], "developer/posting.html"),
        (["developer/profile.docx"], "developer/posting.md"),
        (["developer/profile.md", "injection.md"], "developer/posting.md"),
    ],
)
def test_reports_are_the_command_line_s_byte_for_byte(people, command, tmp_path, profile, posting):
    profile, posting = [str(people / name) for name in profile], str(people / posting)
    report = pel.position.analyze(profile, posting, as_of=DAY)
    for ending in ("md", "html", "json", "docx"):
        theirs, ours = tmp_path / f"theirs.{ending}", tmp_path / f"ours.{ending}"
        command("position", *profile, posting, "--as-of", DAY, "-o", theirs)
        report.save(ours)
        assert ours.read_bytes() == theirs.read_bytes(), ending
    told = json.loads((tmp_path / "theirs.json").read_text())
    assert [str(report.fit.lo), str(report.fit.hi)] == told["fit"]["exact"]
    assert float(report.fit.lo) == told["fit"]["lo"] and report.fit.label == told["fit"]["label"]
    assert [(asked.text, asked.status) for asked in report.requirements] == [
        (asked["text"], asked["status"]) for asked in told["requirements"]
    ]
    assert [[cite.quote for cite in asked.cites] for asked in report.requirements] == [
        [cite["quote"] for cite in asked["cites"]] for asked in told["requirements"]
    ]
    assert len(report.findings) == len(told["findings"])


def test_a_text_needs_no_file():
    report = pel.position.analyze(("cv.md", PROFILE), ("posting.md", POSTING.encode()), as_of=DAY)
    assert report.fit[:2] == (Fraction(1, 2), Fraction(1, 2))
    shown, missing = report.requirements
    assert (shown.status, shown.rule, missing.status) == ("met", "alias.shown", "not_found")
    assert shown.cites[0].quote == "Wrote the API in Go." and shown.cites[0].document == "cv.md"
    assert shown.credit == (1, 1) and missing.credit == (0, 0)
    assert report.to_dict() == json.loads(report.to_json())
    assert "srcdoc=" in report._repr_html_() and "1 of 2" in repr(report)
    assert pickle.loads(pickle.dumps(report.requirements)) == report.requirements


def test_a_checkout_is_part_of_a_profile(people, command, tmp_path):
    checkout = tmp_path / "work"
    checkout.mkdir()
    (checkout / "README.md").write_text("# A service\n\nA web service in Go with PostgreSQL.\n")
    (checkout / "go.mod").write_text("module example\n")
    git = ["git", "-C", str(checkout), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "Begin"]):
        subprocess.run([*git, *words], check=True)
    files = [str(people / "developer/profile.md"), str(checkout), str(people / "developer/posting.md")]
    out = tmp_path / "theirs.json"
    command("position", *files, "--as-of", DAY, "-o", out)
    report = pel.position.analyze(files[:2], files[2], as_of=DAY)
    assert report.to_json() == out.read_text()
    assert any(cite.document == str(checkout) for asked in report.requirements for cite in asked.cites) or str(checkout) in report.to_json()


def test_days_are_told_in_several_ways():
    analyze = lambda day: pel.position.analyze(("cv.md", PROFILE), ("posting.md", POSTING), as_of=day).to_dict()["as_of"]
    assert analyze("2025-02") == analyze(datetime.date(2025, 2, 28)) == analyze("2025-02-28") == "2025-02-28"
    assert analyze(None) in {str(datetime.datetime.now(datetime.timezone.utc).date() - datetime.timedelta(days)) for days in (0, 1)}
    for wrong in ("yesterday", "2025-02-30", "2025-13"):
        with pytest.raises(errors.UsageError, match="as_of"):
            analyze(wrong)


def test_notes_are_quoted(people, command, tmp_path):
    notes, out = tmp_path / "notes.md", tmp_path / "theirs.md"
    notes.write_text("# Notes\n\nThe employer moves to Berlin in March.\n")
    files = [str(people / "developer/profile.md"), str(people / "developer/posting.md")]
    command("position", *files, "--notes", notes, "--as-of", DAY, "-o", out)
    assert pel.position.analyze(*files, notes=notes, as_of=DAY).to_markdown() == out.read_text()


@pytest.mark.parametrize("name", ["broken.docx", "broken.pdf", "locked.pdf", "scanned.pdf", "romanian.md"])
def test_what_is_not_read_is_told_as_on_the_command_line(people, command, name):
    posting = str(people / "developer/posting.md")
    told = command("position", str(people / name), posting, "--as-of", DAY, code=3)
    with pytest.raises(errors.DataError) as raised:
        pel.position.analyze(people / name, posting, as_of=DAY)
    assert str(raised.value) in told and name in str(raised.value)


def test_wrong_arguments_are_told(people, tmp_path):
    profile, posting = people / "developer/profile.md", people / "developer/posting.md"
    analyze = pel.position.analyze
    with pytest.raises(errors.UsageError, match="the posting comes last"):
        analyze(posting, profile, as_of=DAY)
    with pytest.raises(errors.DataError, match="`.odt` files are not read"):
        analyze(("cv.odt", PROFILE), posting)
    with pytest.raises(errors.DataError, match="no requirement"):
        analyze(("cv.md", PROFILE), ("posting.md", "We like music very much and the weather is good for all of us here.\n"))
    with pytest.raises(FileNotFoundError, match="nowhere.md"):
        analyze("nowhere.md", posting)
    with pytest.raises(errors.UsageError, match="name whose ending"):
        analyze(PROFILE, posting)
    with pytest.raises(errors.UsageError, match="of two files make a list"):
        analyze((str(profile), str(profile)), posting)
    with pytest.raises(errors.UsageError, match="at least one document"):
        analyze([], posting)
    with pytest.raises(errors.UsageError, match="one posting"):
        analyze(profile, tmp_path)
    with pytest.raises(errors.UsageError, match="no sentence encoder"):
        analyze(profile, posting, encoder="minilm")
    report = analyze(profile, posting, as_of=DAY)
    with pytest.raises(errors.UsageError, match=r"written as \.md \.html \.json \.docx"):
        report.save(tmp_path / "report.odt")
