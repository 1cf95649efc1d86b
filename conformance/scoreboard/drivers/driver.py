# driver.py -- what all drivers in Python share: a case is one line of JSON on standard input, what came of it one line
# on standard output. README.md has the fields.
# SPDX-License-Identifier: MIT
import contextlib
import hashlib
import json
import sys
import time

TEXT_MAX = 100_000  # characters; of a longer text the length and the hash are told


class Seen:
    """What a caller of the client got to see."""

    def __init__(self):
        self.texts = {}  # candidate -> pieces
        self.thought = []
        self.finish = {}  # candidate -> the last reason
        self.block = None
        self.calls = []
        self.signatures = []
        self.usage = None

    def text(self, piece, candidate=0):
        self.texts.setdefault(candidate, []).append(piece)

    def told(self):
        texts = {index: tell_text("".join(pieces)) for index, pieces in self.texts.items()}
        return {"text": texts.pop(0, ""), "others": texts, "thought": tell_text("".join(self.thought)),
                "finish": self.finish.get(0), "block": self.block, "calls": self.calls,
                "signatures": self.signatures, "usage": self.usage}


def tell_text(text):
    if len(text) <= TEXT_MAX:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return {"length": len(text), "sha256": digest}


def tell_error(error):
    """All that a caller can reach: class, code, words, the server's own details and its wish to be left alone."""
    words = [str(error), str(getattr(error, "details", "") or ""), str(getattr(error, "body", "") or "")]
    cause = error.__cause__ or error.__context__
    if cause is not None:
        words.append(f"caused by {type(cause).__name__}: {cause}")
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    if headers.get("retry-after"):
        words.append(f"retry-after: {headers['retry-after']}")
    code = getattr(error, "code", None) or getattr(error, "status_code", None)
    return {"class": type(error).__name__, "code": str(code or ""), "message": " | ".join(filter(None, words))[:8000]}


def ask_before(ask, client, before):
    """The first of two questions: what comes of it is not the case's matter."""
    with contextlib.suppress(Exception):
        for _ in ask(client, before, Seen()):
            if before["leave"]:
                break
    time.sleep(before["pause_s"])


def run(connect, ask):
    """For each line connect(case), and then ask(client, case, seen), a generator that takes an event at each step.
    Whatever they raise is what the client raised."""
    print('{"ready": true}', flush=True)
    for line in sys.stdin:
        case, seen, error = json.loads(line), Seen(), None
        begin = time.monotonic()
        try:
            client = connect(case)
            if case["before"]:
                ask_before(ask, client, {**case, **case["before"]})
                begin = time.monotonic()
            for _ in ask(client, case, seen):
                pass
        except Exception as raised:  # which kinds there are is for the judge to see
            error = tell_error(raised)
        result = {"error": error, "seconds": round(time.monotonic() - begin, 3), **seen.told()}
        print(json.dumps(result), flush=True)
