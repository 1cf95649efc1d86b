#!/usr/bin/env python3
# score.py -- score.py POLLUX PLAN [--quick | WORD...]: plays every case to every client of the plan, prints what came
# of it, and writes docs/scoreboard.md when all of them ran all of it. conformance/scoreboard/run makes the plan.
# SPDX-License-Identifier: MIT
import collections
import concurrent.futures
import dataclasses
import pathlib
import signal
import sys

import cases
import judge
import page
import stage

HERE = pathlib.Path(__file__).resolve().parent
CLIENTS_AT_ONCE = 4  # most of their time they wait


@dataclasses.dataclass
class Client:
    name: str
    dialect: str
    version: str
    skipped: str
    command: list


def read_plan(path):
    for line in pathlib.Path(path).read_text().splitlines():
        name, dialect, version, skipped, *command = line.split("\t")
        yield Client(name, dialect, version, skipped, command)


def choose(clients, all_cases, words):
    """Words that name a client choose clients, the others choose cases by what their names hold."""
    names = [client.name for client in clients]
    chosen = [client for client in clients if client.name in words] or clients
    rest = [word.lower() for word in words if word not in names]
    return chosen, [case for case in all_cases if not rest or any(word in case.name.lower() for word in rest)]


class Score:
    def __init__(self):
        self.marks = {}  # (case name, client name) -> (mark, why)
        self.refused = set()  # the same, where the answer was not taken, rightly or not

    def take(self, case, client, seen, world):
        self.marks[case.name, client.name] = judge.judge(case, seen, world)
        if judge.judge(case.strict(), seen, world)[0] != judge.RIGHT:
            self.refused.add((case.name, client.name))

    def concerns(self, case, client):
        """Whether it is for this client: who did not take the case that it builds on is not asked."""
        return case.fits(client.name, client.dialect) and (case.keys.get("if"), client.name) not in self.refused

    def is_unsure(self, case, client):
        """Found wanting by a clock, which others on the machine may have slowed down."""
        mark = self.marks.get((case.name, client.name), ("", ""))[0]
        return mark == judge.HANG or (mark == judge.WRONG and (case.verdict == "TIMEOUT" or case.has("against")))

    def count(self, client):
        return collections.Counter(mark for (_, name), (mark, _) in self.marks.items() if name == client.name)


def play(pollux, clients, chosen, score, retaken):
    """First what may run side by side, then, one after another, what is measured; and once more what was unsure, of
    those who may retake."""
    def run(client, some):
        with stage.Stage(pollux, HERE / "cases", client) as theatre:
            for case in some:
                if score.concerns(case, client):
                    score.take(case, client, *theatre.play(case))

    with concurrent.futures.ThreadPoolExecutor(CLIENTS_AT_ONCE) as pool:
        together = [case for case in chosen if not case.has("alone") and not case.has("long")]
        for done in [pool.submit(run, client, together) for client in clients]:
            done.result()
    for client in clients:
        run(client, [case for case in chosen if case.has("alone")])
    for client in retaken:
        unsure = [case for case in chosen if score.is_unsure(case, client)]
        measures = [case.keys["against"] for case in unsure if case.has("against")]
        if unsure:
            run(client, [case for case in chosen if case in unsure or case.name in measures])
    with concurrent.futures.ThreadPoolExecutor(len(clients)) as pool:
        long = [case for case in chosen if case.has("long")]
        for done in [pool.submit(run, client, long) for client in clients if long]:
            done.result()


def tell(clients, chosen, score, in_detail):
    for case in chosen:
        for client in clients:
            mark, why = score.marks.get((case.name, client.name), ("", ""))
            ours = client.name.startswith("castor")
            if mark and (in_detail or (ours and mark != judge.RIGHT)):
                print(f"{mark.upper() if mark != judge.RIGHT else mark}: {client.name}: {case.name}: {why}")
    for client in clients:
        counts = score.count(client)
        total = sum(counts.values())
        print(f"{client.name} {client.version}: {counts[judge.RIGHT]} of {total} right, "
              f"{counts[judge.WRONG]} wrong, {counts[judge.SILENT]} silently wrong, {counts[judge.HANG]} hung")


def main():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stage.leave)
    pollux, plan, *words = sys.argv[1:]
    every = list(read_plan(plan))
    all_cases = cases.read(HERE / "cases")
    is_quick = words == ["--quick"]
    is_whole = not words
    clients, chosen = choose(every, all_cases, [] if is_quick else words)
    if not is_whole and not (words and "long" in words):
        chosen = [case for case in chosen if not case.has("long")]
    for client in clients:
        if client.skipped:
            print(f"skipped: {client.name}, {client.skipped}")
    able = [client for client in clients if not client.skipped]
    score = Score()
    retaken = [client for client in able if not is_quick or client.name.startswith("castor")]  # quick: they alone count
    play(pollux, able, chosen, score, retaken)
    tell(able, chosen, score, in_detail=not is_quick and not is_whole)
    if is_whole and able == every:
        (HERE / "../../docs/scoreboard.md").resolve().write_text(page.page(every, all_cases, score), encoding="utf-8")
    elif is_whole:
        print("docs/scoreboard.md stays as it was: not all clients ran")
    ours = [score.count(client) for client in able if client.name.startswith("castor")]
    passed = sum(counts[judge.RIGHT] for counts in ours)
    failed = sum(sum(counts.values()) for counts in ours) - passed
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0 or passed == 0)


main()
