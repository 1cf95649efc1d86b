# runs.py -- what bench/run measured, one object of JSON a line, and the arithmetic that is done with it.
# SPDX-License-Identifier: MIT
import collections
import json
import statistics

Spread = collections.namedtuple("Spread", "median least most")


def spread(values):
    """Median with minimum and maximum; None of nothing."""
    values = list(values)
    return Spread(statistics.median(values), min(values), max(values)) if values else None


class Runs:
    def __init__(self, lines):
        self.facts = {}
        self.decode = []   # what bench/decode said, as it said it
        self.failed = {}   # (measure, side) -> why
        self.rounds = collections.defaultdict(dict)  # (measure, side) -> round -> figures
        for line in lines:
            self.take(json.loads(line))

    def take(self, said):
        if "fact" in said:
            self.facts[said["fact"]] = said["value"]
        elif "bench" in said:
            self.decode.append(said)
        elif "failed" in said:
            self.failed[said["measure"], said["side"]] = said["failed"]
            self.rounds[said["measure"], said["side"]].clear()
        else:
            self.rounds[said["measure"], said["side"]][said["round"]] = said

    def of(self, measure, side):
        return self.rounds.get((measure, side), {})

    def has(self, measure):
        return any(of == measure for of, _ in self.rounds)

    def sides(self, measure):
        """In the order in which they ran."""
        return [side for of, side in self.rounds if of == measure]

    def count(self, measure, side):
        return len(self.of(measure, side))

    def figure(self, measure, side, name):
        return spread(run[name] for run in self.of(measure, side).values() if name in run)

    def pairs(self, measure, side, base, name, combine):
        """Round by round, so that a machine whose speed drifts drifts for both."""
        ours, theirs = self.of(measure, side), self.of(measure, base)
        both = [at for at in ours if at in theirs and name in ours[at] and theirs[at].get(name)]
        return spread(combine(ours[at][name], theirs[at][name]) for at in both)

    def ratio(self, measure, side, base, name):
        return self.pairs(measure, side, base, name, lambda a, b: a / b)

    def difference(self, measure, side, base, name):
        return self.pairs(measure, side, base, name, lambda a, b: a - b)

    def total(self, measure, side, name):
        """The sum over all rounds; None without any."""
        values = [run[name] for run in self.of(measure, side).values() if name in run]
        return sum(values) if values else None

    def decoded(self, **wanted):
        """The line of bench/decode with these members, or None."""
        found = (one for one in self.decode if all(one.get(key) == value for key, value in wanted.items()))
        return next(found, None)
