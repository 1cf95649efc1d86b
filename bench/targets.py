# targets.py -- what castor is to reach, and what was measured: the first table of docs/benchmarks.md.
# SPDX-License-Identifier: MIT
import collections

from runs import Spread

KILOBYTE = 1000

# `value` is a Spread or None; target and moonshot are None where the figure is only stated. Most are upper limits.
Claim = collections.namedtuple("Claim", "what value form target moonshot is_floor", defaults=(None, None, False))


def once(value):
    return None if value is None else Spread(value, value, value)


def of_decode(line, name):
    return Spread(line[name], line[f"{name}_min"], line[f"{name}_max"]) if line else None


def times(number):
    return f"{number:.2f}×" if number < 10 else f"{number:.0f}×"


def micro(number):
    return f"{number:+.0f} µs"


def kilobytes(number):
    return f"{number / KILOBYTE:.1f} KB"


def percent(number):
    return f"{number:.0f} %"


def whole(number):
    return f"{number:.0f}"


def at_rate(events_s, us_event):
    """So many events a second: of a core, in percent, whether or not the machine had time for that many."""
    return Spread(*(one * events_s / 1e4 for one in us_event)) if us_event else None


def sum_of_all(runs, measures, name):
    """None unless all of them ran."""
    totals = [runs.total(measure, side, name) for measure, side in measures]
    return None if None in totals or not totals else once(sum(totals))


def slowest_by_fastest(runs, measure, name):
    """Of the medians of all sides."""
    medians = [runs.figure(measure, side, name) for side in runs.sides(measure)]
    medians = [one.median for one in medians if one]
    return once(max(medians) / min(medians)) if len(medians) > 1 else None


def claims(runs):
    decoded = of_decode(runs.decoded(bench="decode", layout="gemini", method="castor"), "to_yyjson")
    tls = [("tls", side) for side in runs.sides("tls")]
    return [
        Claim("decode against framing + yyjson DOM", decoded, times, 0.75, 0.4),
        Claim("one long stream, CPU against a bare recv loop", runs.ratio("long", "castor", "bare recv", "cpu_ms"), times,
              2.4, 1.8),
        Claim("the same where nobody is pinned to a core", runs.ratio("long-unpinned", "castor", "bare recv", "cpu_ms"),
              times, 2.4, 1.8),
        Claim("one long stream: CPU of `@google/genai` against castor", runs.ratio("long", "@google/genai", "castor", "cpu_ms"),
              times, 80, 100, True),
        Claim("the same: CPU of `google-genai` for Python against castor",
              runs.ratio("long", "google-genai", "castor", "cpu_ms"), times, 80, 100, True),
        Claim("2,000 short answers, CPU against a bare client with the same decoder",
              runs.ratio("short", "castor", "recv + castor's decoder", "cpu_ms"), times, 2.0, 1.5),
        Claim("10,000 paced streams: events lost", sum_of_all(runs, [("many", "castor")], "lost"), whole, 0, 0),
        Claim("the same: CPU an event against bare epoll", runs.ratio("many", "castor", "bare epoll", "cpu_us_event"),
              times, 1.7, 1.4),
        Claim("the same: resident memory a stream", runs.figure("many", "castor", "bytes_stream"), kilobytes,
              20 * KILOBYTE, 14 * KILOBYTE),
        Claim("1,000 and 5,000 streams over TLS, HTTP/1.1 and HTTP/2: events lost", sum_of_all(runs, tls, "lost"), whole,
              0, 0),
        Claim("small calls on 16 connections, CPU a call against a bare client",
              runs.ratio("calls", "castor", "bare epoll", "cpu_us_call"), times, 3.3, 2.8),
        Claim("delay of the first token over a raw recv, p50",
              runs.difference("lag", "castor", "bare recv", "lag_p50_us"), micro, 60, 30),
        Claim("start to first byte against curl, plain", runs.ratio("start", "castor", "curl", "first_byte_ms"), times,
              1.1, 1.0),
        Claim("the same over TLS with the system's trust", runs.ratio("start-tls", "castor", "curl", "first_byte_ms"), times,
              0.6, 0.4),
        Claim("events of 1, 8 and 64 MB: most time a byte by least", slowest_by_fastest(runs, "events", "cpu_ns_byte"),
              times, 1.2),
        Claim("library, stripped", runs.figure("size", "libcastor.so, stripped", "bytes"), kilobytes, 250 * KILOBYTE,
              150 * KILOBYTE),
        Claim("heap of an idle client without libcurl's part", runs.figure("silent", "castor", "client_bytes"), kilobytes),
        Claim("heap of an idle open stream without libcurl's part", runs.figure("silent", "castor", "stream_bytes"),
              kilobytes, 4 * KILOBYTE, 2 * KILOBYTE),
        # One is the end of the wait itself.
        Claim("1,000 silent streams: wake-ups in 60 s, their end included, once libcurl's timers for connecting ran out",
              runs.figure("silent", "castor", "wake_ups"), whole, 1, 1),
        Claim("pollux with 10,000 paced streams, HTTP/1.1: memory a stream",
              runs.figure("pollux", "paced, HTTP/1.1", "server_bytes_stream"), kilobytes, 2 * KILOBYTE),
        Claim("pollux at 25,000 events a second, HTTP/1.1: of a core",
              at_rate(25000, runs.figure("pollux-25000", "pollux, HTTP/1.1", "server_cpu_us_event")), percent, 25),
    ]


def reaches(claim, limit):
    value = claim.value.median
    return value >= limit if claim.is_floor else value <= limit


def judgement(claim):
    if claim.value is None:
        return "not measured"
    if claim.target is None:
        return "stated"
    if claim.moonshot is not None and reaches(claim, claim.moonshot):
        return "met, moonshot too"
    return "met" if reaches(claim, claim.target) else "**missed**"


def limit_of(claim, limit):
    return "" if limit is None else f"{'≥' if claim.is_floor else '≤'} {claim.form(limit)}"


def measured(claim):
    if claim.value is None:
        return ""
    text = claim.form(claim.value.median)
    if claim.value.least == claim.value.most:
        return text
    return f"{text} ({claim.form(claim.value.least)} to {claim.form(claim.value.most)})"


def print_targets(runs):
    print("| measure | measured | target | moonshot | |\n| --- | --- | --- | --- | --- |")
    for claim in claims(runs):
        if claim.value is None and runs.facts.get("chosen"):
            continue
        cells = (claim.what, measured(claim), limit_of(claim, claim.target), limit_of(claim, claim.moonshot),
                 judgement(claim))
        print("| " + " | ".join(cells) + " |")
    print()
