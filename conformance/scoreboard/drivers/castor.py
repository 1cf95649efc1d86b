# castor.py -- the command `castor`, one process a case, by the events that it prints; and where a case has two
# questions for one client, a program with libcastor (castor.c).
# SPDX-License-Identifier: MIT
import json
import os
import subprocess
import sys

import driver

BINARY, TWO_QUESTIONS, DIALECT = sys.argv[1:4]


def base_url(case):
    return case["url"] + ("/v1beta/openai" if DIALECT == "openai" else "")


def arguments(case):
    words = ["--output", "jsonl", "--model", case["model"], "--dialect", DIALECT, "--base-url", base_url(case)]
    if case["timeout_s"]:
        words += ["--timeout", str(case["timeout_s"])]
    if case["authority"]:
        words += ["--ca-file", case["authority"]]
    if case["candidates"] > 1:
        words += ["--candidates", str(case["candidates"])]
    return [*words, case["prompt"]]


def take(event, seen):
    candidate = event.get("candidate", 0)
    if event.get("signature"):
        seen.signatures.append(event["signature"])
    match event["type"]:
        case "text":
            seen.text(event["text"], candidate)
        case "thought":
            seen.thought.append(event["text"])
        case "function_call":
            seen.calls.append([event["name"], event["args"]])
        case "finish":
            seen.finish[candidate] = event["finish"]
        case "usage":
            seen.usage = event["usage"].get("total_tokens", seen.usage)


class Failed(Exception):
    pass


def start(command, case):
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env={**os.environ, "GOOGLE_API_KEY": case["key"]})


def fail(process, noise, end):
    """A script goes by the exit status."""
    if process.returncode != 0:
        error = Failed(noise.strip())
        error.code = end.get("verdict", process.returncode)
        error.details = json.dumps(end)
        raise error


def ask_one(case, seen):
    end = {}
    with start([BINARY, *arguments(case)], case) as process:
        for line in process.stdout:
            event = json.loads(line)
            if event["type"] == "end":
                end = event
            else:
                take(event, seen)
        noise = process.stderr.read().decode("utf-8", "replace")
    seen.block = end.get("block_reason")
    fail(process, noise, end)


def ask_two(before, case, seen):
    """Both by one client, in one process."""
    words = [DIALECT, base_url(case), case["model"], case["authority"] or "", before["prompt"],
             "leave" if before["leave"] else "read", str(int(before["pause_s"] * 1000)), case["prompt"]]
    with start([TWO_QUESTIONS, *words], case) as process:
        text, noise = process.communicate()
    seen.text(text.decode("utf-8", "replace"))
    fail(process, noise.decode("utf-8", "replace"), {})


def connect(case):
    """A process has its client in itself: it gets both questions."""
    before, case["before"] = case["before"], None
    return before


def ask(before, case, seen):
    if before:
        ask_two(before, case, seen)
    else:
        ask_one(case, seen)
    yield


driver.run(connect, ask)
