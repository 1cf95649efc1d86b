# cases.py -- the cases of the scoreboard, read from the documents that pollux plays (docs/wire-cases.md), and what the
# lines that begin with "- KEY: VALUE" say to the judge. README.md has the keys.
# SPDX-License-Identifier: MIT
import dataclasses
import hashlib
import json
import pathlib
import re

TEXT_MAX = 100_000  # characters; of a longer text the drivers tell the length and the hash
KEYS = {"right", "source", "also", "words", "timeout", "transport", "arm", "delay", "limit", "alone", "tools",
        "candidates", "text", "filler", "only", "without", "as", "long", "model", "against", "interim",
        "repeat", "before", "leave", "pause", "behind", "if"}


@dataclasses.dataclass
class Case:
    group: str
    name: str
    keys: dict
    dialect: str = ""  # "": pollux shapes the answer for whoever asks
    verdict: str = ""
    lines: list = dataclasses.field(default_factory=list)  # of an answer that pollux shapes
    texts: dict = dataclasses.field(default_factory=dict)  # candidate -> pieces
    thoughts: list = dataclasses.field(default_factory=list)
    calls: list = dataclasses.field(default_factory=list)
    signatures: list = dataclasses.field(default_factory=list)
    finish: str = ""
    error: dict = dataclasses.field(default_factory=dict)
    usage: int = None

    def number(self, key, otherwise=0):
        return float(self.keys.get(key, otherwise))

    def has(self, key):
        return key in self.keys

    def strict(self):
        """The same, without what else is right."""
        return dataclasses.replace(self, keys={key: value for key, value in self.keys.items() if key != "also"})

    @property
    def text(self):
        """What a right client has of candidate 0 when all has come; a long one as drivers tell it."""
        text = "".join(self.texts.get(0, [])) or "\n".join(self.lines)
        whole = "x" * int(self.keys.get("filler", 0)) + text
        if len(whole) <= TEXT_MAX:
            return whole
        return {"length": len(whole), "sha256": hashlib.sha256(whole.encode()).hexdigest()}

    def fits(self, client, dialect):
        if self.dialect and self.dialect != dialect:
            return False
        if "only" in self.keys and self.keys["only"] != dialect:
            return False
        return client not in re.split(r"[ ,]+", self.keys.get("without", ""))


STRING = r'"(?:[^"\\]|\\.)*"'


def take_expectation(case, line):
    """A line that begins with ">", as docs/wire-cases.md has it."""
    index, kind, rest = re.fullmatch(r"(?:\[(\d+)\] )?(\w+)(?: (.*))?", line).groups()
    rest = rest or ""
    strings = [json.loads(one) for one in re.findall(STRING, rest)] if kind in ("text", "thought", "signature") else []
    signature = re.search(rf"signature ({STRING})$", line)
    if signature:
        case.signatures.append(json.loads(signature[1]))
    if kind == "text":
        case.texts.setdefault(int(index or 0), []).append(strings[0])
    elif kind == "thought":
        case.thoughts.append(strings[0])
    elif kind == "call":
        name, rest = rest.split(" ", 1)
        case.calls.append([name, json.JSONDecoder().raw_decode(rest)[0]])
    elif kind == "finish" and not index:
        case.finish = rest.split(" ")[0]
    elif kind == "error":
        case.error = dict(word.split("=", 1) for word in rest.split(" "))
    elif kind == "usage":
        case.usage = int(re.search(r"total=(\d+)", rest)[1])
    elif kind == "verdict":
        case.verdict = rest


def read_case(group, name, lines):
    case = Case(group, name, {})
    for line in lines:
        if match := re.fullmatch(r"- (\w+): (.*)", line):
            if match[1] not in KEYS:
                raise SystemExit(f"{name}: there is no key {match[1]}")
            case.keys[match[1]] = match[2]
        elif line.startswith("= ") or line == "=":
            case.lines.append(line[2:])
        elif line.startswith("<"):
            case.dialect = case.dialect or "gemini"
        elif match := re.fullmatch(r"@ dialect: (\w+)", line):
            case.dialect = match[1]
        elif line.startswith("> "):
            take_expectation(case, line[2:])
    missing = [word for word in ("right", "source") if word not in case.keys] + ([] if case.verdict else ["verdict"])
    if missing:
        raise SystemExit(f"{name}: there is no {', '.join(missing)}")
    return case


def read(place):
    """All cases, in the order of the documents; the title of a document is its group."""
    cases = []
    for document in sorted(pathlib.Path(place).glob("*.md")):
        parts = re.split(r"^## ", document.read_text(encoding="utf-8"), flags=re.M)
        group = re.search(r"^# (.*)", parts[0], flags=re.M)[1]
        for part in parts[1:]:
            name, *lines = part.split("\n")
            cases.append(read_case(group, name, lines))
    names = [case.name for case in cases]
    if len(set(names)) != len(names):
        raise SystemExit("two cases have the same name")
    for case in cases:
        for key in ("if", "against"):
            if case.has(key) and case.keys[key] not in names:
                raise SystemExit(f"{case.name}: there is no case {case.keys[key]}")
    return cases
