#!/usr/bin/env python3
# check.py -- what the judge makes of answers that we made up: each rule, met and not met. `run` starts with it.
# SPDX-License-Identifier: MIT
import cases
import judge

TEXT = "Beavers build dams."


def case(verdict, *lines):
    body = ["- right: .", "- source: .", f"> text \"{TEXT}\"", *lines, f"> verdict {verdict}"]
    return cases.read_case("", "made up", body)


def seen(text=TEXT, finish="STOP", error=None, seconds=0.1, **more):
    told = {"text": text, "others": {}, "thought": "", "finish": finish, "block": None, "calls": [], "signatures": [],
            "usage": None, "seconds": seconds, "error": None}
    if error:
        told["error"] = {"class": "Error", "code": "", "message": error}
    return {**told, **more}


def world(requests=1, gap=0.1, leaks=(), end="", cpu_s=0.1):
    return {"requests": requests, "gap": gap, "leaks": leaks, "end": end, "end_why": "", "cpu_s": cpu_s,
            "cpu_s_of": {"a quarter": 1.0}}


WHOLE, HALF = case("COMPLETE"), case("TRUNCATED")
CALL = case("COMPLETE", '> call f {"a": 1} signature "AAE="')
SAFETY = case("BLOCKED", "- words: SAFETY content-filter", "> finish SAFETY")
BUSY = case("FAILED", "> error code=503 reason=UNAVAILABLE")
DAY = case("QUOTA_DAY", "> error code=429 reason=RESOURCE_EXHAUSTED")
LATER = case("QUOTA_NOW", "- as: obeyed", "- delay: 3")
SLOW = case("TIMEOUT", "- timeout: 2")
DRIP = case("TIMEOUT", "- timeout: 2", "- as: an error")
BIG = case("COMPLETE", "- as: linear", "- against: a quarter")
SECRET = case("FAILED", "- as: discreet")
LENIENT = case("COMPLETE", "- also: an error", "- text: Bea.?vers build dams\\.")

EXPECTED = [
    (WHOLE, seen(), world(), "right"),
    (WHOLE, seen(finish=None), world(), "right"),
    (WHOLE, seen(text="Beavers"), world(), "silent"),
    (WHOLE, seen(text="Beavers", finish="other"), world(), "wrong"),
    (WHOLE, seen(finish="other"), world(), "wrong"),
    (WHOLE, seen(error="cannot parse"), world(), "wrong"),
    (WHOLE, None, world(end="hang"), "hang"),
    (WHOLE, None, world(end="crash"), "wrong"),
    (HALF, seen(text="Beavers", finish=None), world(), "silent"),
    (HALF, seen(text="Beavers", finish="STOP"), world(), "silent"),
    (HALF, seen(text="Beavers", finish="length"), world(), "right"),
    (HALF, seen(text="Beavers", finish=None, error="cut"), world(), "right"),
    (HALF, seen(text="Otters", finish=None, error="cut"), world(), "wrong"),
    (CALL, seen(calls=[["f", {"a": 1}]], signatures=["AAE"]), world(), "right"),
    (CALL, seen(calls=[["f", {"a": 1}]], signatures=["AAI="]), world(), "silent"),
    (CALL, seen(calls=[], signatures=["AAE="]), world(), "silent"),
    (SAFETY, seen(finish="SAFETY"), world(), "right"),
    (SAFETY, seen(finish="content-filter"), world(), "right"),
    (SAFETY, seen(error="stopped: SAFETY"), world(), "right"),
    (SAFETY, seen(error="something went wrong"), world(), "wrong"),
    (SAFETY, seen(finish="STOP"), world(), "silent"),
    (SAFETY, seen(finish="SAFETY", text="Bea"), world(), "silent"),
    (BUSY, seen(error="503 overloaded"), world(), "right"),
    (BUSY, seen(error="cannot parse"), world(), "wrong"),
    (BUSY, seen(finish=None), world(), "silent"),
    (BUSY, seen(error="503", text="Beavers Beavers"), world(), "wrong"),
    (DAY, seen(error="429"), world(), "right"),
    (DAY, seen(error="429"), world(requests=3), "wrong"),
    (LATER, seen(), world(requests=2, gap=3.1), "right"),
    (LATER, seen(), world(requests=2, gap=2.0), "wrong"),
    (LATER, seen(error="retry in 3s"), world(), "right"),
    (LATER, seen(error="429"), world(), "wrong"),
    (SLOW, seen(error="timed out", seconds=2.1), world(), "right"),
    (SLOW, seen(error="aborted", seconds=2.1), world(), "wrong"),
    (SLOW, seen(error="timed out", seconds=12), world(), "wrong"),
    (SLOW, seen(finish=None, seconds=2.1), world(), "silent"),
    (DRIP, seen(error="aborted", seconds=2.1), world(), "right"),
    (DRIP, seen(seconds=2.1), world(), "silent"),
    (BIG, seen(), world(cpu_s=4), "right"),
    (BIG, seen(), world(cpu_s=16), "wrong"),
    (SECRET, seen(error="404"), world(), "right"),
    (SECRET, seen(error="404"), world(leaks=["x-goog-api-key"]), "wrong"),
    (LENIENT, seen(text="Bea?vers build dams."), world(), "right"),
    (LENIENT, seen(error="no UTF-8"), world(), "right"),
    (LENIENT, seen(text="build dams."), world(), "silent"),
]


def main():
    for number, (one, told, around, mark) in enumerate(EXPECTED, 1):
        got, why = judge.judge(one, told, around)
        if got != mark:
            raise SystemExit(f"check.py: line {number} of the list is {got}, not {mark}: {why}")


main()
