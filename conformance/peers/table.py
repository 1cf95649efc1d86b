#!/usr/bin/env python3
# table.py -- table.py RESULTS VERSIONS [DOCUMENT]: makes the table of docs/pollux-conformance.md from what the drivers
# said, tells what failed, and ends with "N passed, N failed".
# SPDX-License-Identifier: MIT
import collections
import datetime
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
INTRODUCTION = """# Conformance of pollux

Written by `make peers`. These clients were not written here; each ran unchanged against pollux, once in the clear and
once over TLS, pinned by the lock files in `conformance/peers/`. A cell says that the answer was checked: its text, its
types, its counts, or the class and code of the error that the client raised. `pass` means on both transports; an empty
cell, that the client has no such operation, or that another client shows it. In the clear the SDKs speak HTTP/1.1; over
TLS Go's, and those that use the fetch of Node.js 26, choose HTTP/2.
"""


def read_operations():
    """Sections in order, each with its operations and what they are."""
    sections = []
    for line in (HERE / "operations.tsv").read_text().splitlines():
        if line.startswith("# "):
            sections.append((line[2:], {}))
        else:
            name, what = line.split("\t")
            sections[-1][1][name] = what
    return sections


class Results:
    def __init__(self, lines):
        self.cells = collections.defaultdict(dict)  # (client, operation) -> transport -> (result, why)
        self.skipped = {}  # client -> why
        self.notes = []
        self.argued = {(one["client"], one["operation"], one.get("transport")): one["why"]
                       for one in json.loads((HERE / "argued.json").read_text())}
        self.counts = collections.Counter()
        for line in lines:
            self.take(**json.loads(line))

    def take(self, client, transport, operation, result, why):
        if not operation:
            self.skipped[client] = why
            return
        if result == "fail":
            reason = self.argued.get((client, operation, transport)) or self.argued.get((client, operation, None))
            if reason:
                result, why = "argued", reason
        self.counts[result] += 1
        self.cells[client, operation][transport] = result, why
        if result == "fail":
            print(f"FAILED {client} {transport} {operation}: {why}")

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)
        return f"[{self.notes.index(text) + 1}]"

    def cell(self, client, operation):
        said = self.cells.get((client, operation), {})
        words = {}
        for transport, (result, why) in said.items():
            word = {"pass": "pass", "fail": "**FAIL**", "skip": "no", "argued": "argued"}[result]
            words[transport] = f"{word} {self.note(why)}" if why else word
        if len(set(words.values())) <= 1:
            return next(iter(words.values()), "")
        return ", ".join(f"{transport}: {word}" for transport, word in words.items())


def clients_table(results, versions):
    rows = ["| client | version | transports | passed |", "| --- | --- | --- | --- |"]
    for client, version in versions.items():
        of = [said for (name, _), said in results.cells.items() if name == client]
        transports = ", ".join(dict.fromkeys(transport for said in of for transport in said))
        passed = sum(result == "pass" for said in of for result, _ in said.values())
        total = sum(len(said) for said in of)
        score = f"skipped: {results.skipped[client]}" if client in results.skipped else f"{passed} of {total}"
        rows.append(f"| {client} | {version} | {transports} | {score} |")
    return rows


def section_table(results, title, operations, clients):
    there = [client for client in clients if any((client, name) in results.cells for name in operations)]
    rows = [f"## {title}", "", f"| | {' | '.join(there)} |", "| --- |" + " --- |" * len(there)]
    for name, what in operations.items():
        cells = [results.cell(client, name) for client in there]
        if any(cells):
            rows.append(f"| {what} `{name}` | {' | '.join(cells)} |")
    return rows if len(rows) > 4 else []


def document(results, versions):
    lines = [INTRODUCTION, f"{datetime.date.today()}. {results.counts['pass']} checks passed, "
             f"{results.counts['fail']} failed, {results.counts['argued']} argued.", ""]
    lines += clients_table(results, versions)
    for title, operations in read_operations():
        table = section_table(results, title, operations, versions)
        lines += [""] + table if table and title != "The driver" else []
    if results.notes:
        lines += ["", "## Notes", ""] + [f"{i}. {note}" for i, note in enumerate(results.notes, 1)]
    return "\n".join(lines) + "\n"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        results = Results(file)
    versions = json.loads(pathlib.Path(sys.argv[2]).read_text())
    known = {name for _, operations in read_operations() for name in operations}
    strangers = sorted({operation for _, operation in results.cells} - known)
    if strangers:
        sys.exit(f"operations.tsv does not name {', '.join(strangers)}")
    if len(sys.argv) > 3:
        pathlib.Path(sys.argv[3]).write_text(document(results, versions))
    print(f"{results.counts['pass']} passed, {results.counts['fail']} failed")
    sys.exit(results.counts["fail"] > 0 or results.counts["pass"] == 0)


main()
