"""How the audit of what we are built with judges; both tools' answers are recorded, because tests reach nobody."""

import json
from datetime import date, timedelta
from typing import Any

import pytest

from tools import audit
from tools.audit import Hole, NotChecked, Pardon, PolicyWrong, judge, read_npm_audit, read_pip_audit, read_policy

TODAY = date(2026, 11, 23)
HOLE = Hole("jinja2", "3.1.2", ("PYSEC-1", "CVE-2024-22195", "GHSA-h5c8"), "mended in 3.1.3")
PIP = {
    "dependencies": [
        {"name": "jinja2", "version": "3.1.2", "vulns": [
            {"id": "PYSEC-1", "fix_versions": ["3.1.3"], "aliases": ["CVE-2024-22195", "GHSA-h5c8"]},
        ]},
        {"name": "pillow", "version": "13.0.0", "vulns": []},
    ],
    "fixes": [],
}  # fmt: skip
PIP_OFFLINE = {"dependencies": [{"name": "pillow", "skip_reason": "Dependency not found on PyPI"}], "fixes": []}
NPM = {
    "auditReportVersion": 2,
    "vulnerabilities": {
        "rollup": {"name": "rollup", "severity": "high", "via": [
            {"source": 1, "name": "rollup", "title": "DOM clobbering", "severity": "high", "range": "<4.22.4",
             "url": "https://github.com/advisories/GHSA-gcx4-mw62-g8wm"},
        ]},
        "vite": {"name": "vite", "severity": "high", "via": ["rollup"]},
    },
    "metadata": {"vulnerabilities": {"total": 2}, "dependencies": {"prod": 90, "dev": 400, "total": 490}},
}  # fmt: skip
NPM_OFFLINE = {"message": "405 Method Not Allowed", "statusCode": 405, "error": {"summary": ""}}


def pardon(**changes):
    values: dict[str, Any] = {
        "id": "CVE-2024-22195",
        "package": "jinja2",
        "who": "Ann",
        "why": "Unused.",
        "until": TODAY,
    }
    return Pardon(**values | changes)


def entry(**changes):
    values = {"id": '"CVE-1"', "package": '"jinja2"', "who": '"Ann"', "why": '"Unused."', "until": "2026-12-31"}
    lines = [f"{name} = {value}" for name, value in (values | changes).items() if value is not None]
    return "\n".join(["[[exception]]", *lines])


class TestReading:
    def test_what_pip_audit_found(self):
        assert read_pip_audit(json.dumps(PIP)) == [HOLE]

    def test_what_npm_found_is_told_once_and_of_its_origin(self):
        (hole,) = read_npm_audit(json.dumps(NPM))
        assert (hole.package, hole.ids) == ("rollup", ("GHSA-gcx4-mw62-g8wm",))

    @pytest.mark.parametrize(
        ("read", "answer"),
        [
            (read_pip_audit, PIP_OFFLINE),
            (read_pip_audit, {"dependencies": []}),
            (read_npm_audit, NPM_OFFLINE),
            (read_npm_audit, {"vulnerabilities": {}}),
        ],
    )
    def test_silence_is_not_taken_for_a_good_answer(self, read, answer):
        with pytest.raises(NotChecked):
            read(json.dumps(answer))
        with pytest.raises(NotChecked):
            read("no JSON")


class TestJudging:
    def test_a_hole_fails(self):
        (line,) = judge([HOLE], [], TODAY)
        assert line.startswith("jinja2 3.1.2: PYSEC-1")

    def test_an_exception_holds_through_its_last_day_and_no_longer(self):
        assert judge([HOLE], [pardon()], TODAY) == []
        (line,) = judge([HOLE], [pardon()], TODAY + timedelta(days=1))
        assert "Ann ran out on 2026-11-23: Unused." in line

    def test_an_exception_is_for_one_package(self):
        assert len(judge([HOLE], [pardon(package="markupsafe")], TODAY)) == 2

    def test_an_exception_nobody_needs_fails(self):
        assert judge([], [pardon()], TODAY) == [
            "The exception for CVE-2024-22195 of jinja2 is not needed any more: take it out."
        ]


class TestPolicy:
    def test_is_read(self):
        (found,) = read_policy(entry(), TODAY)
        assert (found.who, found.until) == ("Ann", date(2026, 12, 31))

    @pytest.mark.parametrize(
        "text",
        [
            entry(who=None), entry(why='" "'), entry(until='"2026-12-31"'), entry(until="2027-12-31"),
            entry(until="2026-12-31T10:00:00"), entry(severity='"low"'), "[[exception",
        ],
    )  # fmt: skip
    def test_an_exception_says_all_it_has_to(self, text):
        with pytest.raises(PolicyWrong):
            read_policy(text, TODAY)

    def test_ours_holds(self):
        read_policy(audit.POLICY.read_text(encoding="utf-8"), TODAY + timedelta(days=3650))


class TestEnd:
    @pytest.fixture
    def end(self, monkeypatch, tmp_path):
        def end(pip, npm, policy=""):
            def asks(read, answer):
                return lambda: read(json.dumps(answer))

            monkeypatch.setattr(audit, "POLICY", tmp_path / "audit.toml")
            audit.POLICY.write_text(policy)
            monkeypatch.setattr(audit, "ask_pip_audit", asks(read_pip_audit, pip))
            monkeypatch.setattr(audit, "ask_npm_audit", asks(read_npm_audit, npm))
            return audit.main()

        return end

    def test_says_how_it_went(self, end, capsys):
        clean_pip = {"dependencies": [PIP["dependencies"][1]]}
        clean_npm = NPM | {"vulnerabilities": {}}
        assert end(clean_pip, clean_npm) == 0
        assert end(PIP, clean_npm) == 1
        assert end(clean_pip, NPM) == 1
        assert end(clean_pip, NPM_OFFLINE) == 2
        assert end(PIP, NPM_OFFLINE) == 1
        (said,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("NOT AUDITED")][-1:]
        assert "npm audit found nobody to ask: 405" in said
        assert "npmjs.com" in said
        assert end(clean_pip, NPM_OFFLINE, entry()) == 2  # nobody knows whether it is still needed
        assert end(clean_pip, clean_npm, entry(who=None)) == 1
