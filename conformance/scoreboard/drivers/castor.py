# castor.py -- the command `castor`, one process a case, by the events that it prints.
# SPDX-License-Identifier: MIT
import json
import os
import subprocess
import sys

import driver

BINARY, DIALECT = sys.argv[1:3]


def arguments(case):
    words = ["--output", "jsonl", "--model", case["model"], "--dialect", DIALECT]
    words += ["--base-url", case["url"] + ("/v1beta/openai" if DIALECT == "openai" else "")]
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


def ask(case, seen):
    environment = {**os.environ, "GOOGLE_API_KEY": case["key"]}
    end = {}
    with subprocess.Popen([BINARY, *arguments(case)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=environment) as process:
        for line in process.stdout:
            event = json.loads(line)
            if event["type"] == "end":
                end = event
            else:
                take(event, seen)
        noise = process.stderr.read().decode("utf-8", "replace")
    seen.block = end.get("block_reason")
    if process.returncode != 0:  # what a script goes by
        error = Failed(noise.strip())
        error.code = end.get("verdict", process.returncode)
        error.details = json.dumps(end)
        raise error


driver.run(ask)
