# page.py -- docs/scoreboard.md, from what the judge said.
# SPDX-License-Identifier: MIT
import datetime
import os
import platform
import re

import judge

WORDS = {judge.RIGHT: "right", judge.WRONG: "wrong", judge.SILENT: "**silent**", judge.HANG: "**hang**", "": ""}
SHOWN = {"castor-openai": "castor, openai dialect", "openai-python": "openai (Python)", "openai": "openai (JavaScript)",
         "google-genai": "google-genai (Python)", "@google/genai": "@google/genai (JavaScript)",
         "go-genai": "google.golang.org/genai (Go)", "ai-sdk": "AI SDK with its Google provider"}
INTRODUCTION = """# Scoreboard: who gets a hostile answer right

Written by `make scoreboard`. Each case is an answer, or a failure, that the standards allow or that servers and
networks really give. [Pollux](pollux.md) plays it, over loopback, to each of these clients: the current version,
pinned by the lock files in `conformance/peers/`, its documented streaming call, its default settings. A cell says
what a program that uses the client is told.

| | |
| --- | --- |
| right | as defined below for the case |
| wrong | an error where there was none to raise, or one that hides what the server said, or a rule not obeyed |
| **silent** | silently wrong: success, with content lost, altered, or only half there |
| **hang** | nothing within the time that the case gives: 20 s, unless it says otherwise |
| (empty) | does not apply: another dialect, or something that the client does not claim to do |

"""
METHOD = """## What counts as right

A case says in one sentence what is right, and why, so that it can be disputed. Where a standard leaves room, every
reading of it is right. These rules stand behind the words:

- **The answer is whole**: no error, the very text that was sent (calls, thoughts, signatures and counts where the
  case is about them), and no word that says that the answer did not end naturally.
- **The caller is told** (of half an answer): an error of any kind; or, in the normal result, a positive word other
  than a natural stop, as `other`, `length` or `interrupted`. A finish reason that is only missing is silent: who
  does not look for what is not there takes half an answer for a whole one. Text that was never sent is wrong in any
  case.
- **A reason can be read**: as the server sent it, or as the client's documented word for it.
- **An error says 503**: its code, its status or its words have the server's code or status. A mere "cannot parse"
  hides them.
- **A delay is obeyed**: no second request before it has passed; or an error from which the caller can read it.
- **A timeout**: an error whose class or words say so, so that it is not taken for a cancel or a bad network.

Clients are not asked for more than they offer: who does not try again by default is not wrong for that; the limits
are set by the option that the client documents; and who says that it does not read a JSON array, where it asked for
events, is right, and gets no further case of that kind. Castor is asked through its command, one process a case, and
where two questions share a client by a small program with libcastor; its exit status decides whether it took an
answer for whole. It is judged by the same rules, and what it gets wrong stays in.

## How it is done

`conformance/scoreboard/cases/*.md` are [wire cases](wire-cases.md): the bytes, or the [fault](pollux-faults.md),
and what must come of them. `drivers/` has one small program for each client: a case in, what the caller saw out.
The runner gives each client two twins of its own (in the clear and over TLS), ends a driver that says nothing in
time, counts the requests that the twin saw, and judges (`judge.py`). Several clients are played to at once; whoever
was found wanting by a clock is asked again, alone, and that counts. In the clear all speak HTTP/1.1; over TLS
castor, Go and the clients on Node's fetch may choose HTTP/2.

    make scoreboard                                         # all; a quarter of an hour, 11 minutes of it silence
    conformance/scoreboard/run build/dev go-genai comment   # one client, the cases with this word, in detail

## How to add a case

Add it to a document in `conformance/scoreboard/cases/`: a heading that says what the server does, `- right:` with
what a client must make of it, `- source:` with the standard, the reference or the recorded behaviour, the bytes or
`@ fault:`, and what comes out (`>` lines). [conformance/scoreboard/README.md](../conformance/scoreboard/README.md)
has all keys, and what a driver for another client must do. If you maintain one of these clients and think that a
case is unfair: the definition is what we want to hear about.
"""


def versions_table(clients, score):
    rows = ["| client | version | right | wrong | silent | hang | of |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for client in clients:
        counts = score.count(client)
        numbers = [counts[mark] for mark in (judge.RIGHT, judge.WRONG, judge.SILENT, judge.HANG)]
        cells = [SHOWN.get(client.name, client.name), client.version, *numbers, sum(numbers)]
        rows.append(f"| {' | '.join(map(str, cells))} |")
    return rows


def group_table(clients, cases, numbers, score):
    rows = [f"| | | {' | '.join(client.name for client in clients)} |", "| --- | --- |" + " --- |" * len(clients)]
    for case in cases:
        marks = [WORDS[score.marks.get((case.name, client.name), ("", ""))[0]] for client in clients]
        rows.append(f"| {numbers[case.name]} | {case.name} | {' | '.join(marks)} |")
    return rows


def without_chance(why):
    """The same words in each run: no ports, no addresses."""
    why = re.sub(r"(127\.0\.0\.1|localhost):\d+", r"\1", why)
    return re.sub(r"0x[0-9a-f]{6,}", "0x…", why).replace("`", "'").replace("\ufeff", "(BOM)")


def definition(case, number, clients, score):
    yield f"{number}. **{case.name}.** Right: {case.keys['right']} Source: {case.keys['source']}"
    for client in clients:
        mark, why = score.marks.get((case.name, client.name), ("", ""))
        if mark not in ("", judge.RIGHT):
            yield f"    - {client.name}, {WORDS[mark]}: `{without_chance(why)}`"


def page(clients, cases, score):
    numbers = {case.name: number for number, case in enumerate(cases, 1)}
    groups = list(dict.fromkeys(case.group for case in cases))
    lines = [f"{datetime.date.today()}, {platform.system()} {platform.machine()}, "
             f"{os.environ.get('SCOREBOARD_RUNTIMES', '')}. {len(cases)} cases.", ""]
    lines += versions_table(clients, score)
    for group in groups:
        some = [case for case in cases if case.group == group]
        lines += ["", f"## {group}", "", *group_table(clients, some, numbers, score)]
    lines += ["", *METHOD.rstrip().split("\n"), "", "## The cases", "",
              "Under each case: what those who got it wrong did."]
    for group in groups:
        lines += ["", f"### {group}", ""]
        for case in cases:
            if case.group == group:
                lines += definition(case, numbers[case.name], clients, score)
    return INTRODUCTION + "\n".join(lines) + "\n"
