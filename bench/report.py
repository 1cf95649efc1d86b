#!/usr/bin/env python3
# report.py -- report.py RESULTS NOTES DIRECTORY: prints docs/benchmarks.md from what bench/run measured, and writes its
# plots to DIRECTORY. NOTES is put behind the table of targets.
# SPDX-License-Identifier: MIT
import collections
import pathlib
import sys

from plot import bars
from runs import Runs
from targets import print_targets

# One measure. `columns` are (figure, heading, digits); `main` is the figure that is compared and drawn, its ratios are to
# the sides in `bases`.
Section = collections.namedtuple("Section", "measure title prose columns main unit bases")

PROCESS = (("wall_ms", "wall, ms", 1), ("cpu_ms", "CPU, ms", 1), ("peak_mib", "peak memory, MiB", 1))
PACED = (("cpu_us_event", "CPU an event, µs", 2), ("bytes_stream", "resident a stream, bytes", 0),
         ("late_p50_ms", "late p50, ms", 2), ("late_p99_ms", "late p99, ms", 2), ("lost", "lost", 0),
         ("peak_mib", "peak memory, MiB", 1))
SERVED = (("events_s", "events a second", 0), ("server_cpu_us_event", "server's CPU an event, µs", 2),
          ("server_user_us_event", "of it outside the kernel, µs", 2),
          ("server_bytes_stream", "server's memory a stream, bytes", 0), ("server_peak_mib", "server at most, MiB", 1),
          ("late_p50_ms", "late p50, ms", 2), ("late_p99_ms", "late p99, ms", 2), ("lost", "lost", 0))
LIMITS = ("bare recv", "bare epoll", "bare send()", "recv + castor's decoder", "epoll + castor's decoder")

SECTIONS = (
    Section("long", "One long stream",
            "200,000 events, 75 MB, from nginx over HTTP/1.1; whole processes, start and end included. `bare recv` counts the "
            "bytes and does nothing else, `curl` writes them to /dev/null. The OpenAI SDKs read the same texts as chat "
            "completions.", PROCESS, "cpu_ms", "ms of CPU", ("bare recv", "castor")),
    Section("long-unpinned", "One long stream, on whatever core",
            "The same where the kernel puts client and server where it likes: then a part of what the network costs is put "
            "down to the client, the bare one too.", PROCESS, None, None, ("bare recv",)),
    Section("short", "Short answers",
            "2,000 answers of 50 events, one after another, from nginx over one connection; whole processes.",
            PROCESS, "cpu_ms", "ms of CPU", ("recv + castor's decoder", "castor")),
    Section("many", "10,000 paced streams in one thread",
            "From pollux over HTTP/1.1, each with 50 events, one every 200 ms, opened within 5 s: 50,000 events a second "
            "while all of them run, which is when the processor's time is taken. Resident memory is what the process grew "
            "by. An event is late by the time from when it was due, counted from the opening of its stream, so that the "
            "server's own lateness is in it; the bare loop shows how much that is.",
            PACED, "cpu_us_event", "µs of CPU an event", ("bare epoll",)),
    Section("hundred", "100 paced streams, other people's clients",
            "The same with 100 streams, opened at once: 500 events a second. CPU is that of the whole process.",
            (("cpu_ms", "CPU, ms", 0), ("late_p50_ms", "late p50, ms", 2), ("late_p99_ms", "late p99, ms", 2),
             ("peak_mib", "peak memory, MiB", 1)), "cpu_ms", "ms of CPU", ("castor",)),
    Section("tls", "Paced streams over TLS",
            "From pollux. 1,000 streams with 50 events, one every 200 ms; 5,000 with 15, one every second: 5,000 events a "
            "second both. HTTP/2 with 100 streams a connection (`connection_streams_max`), which is not the default.",
            PACED, "cpu_us_event", "µs of CPU an event", ()),
    Section("calls", "Small calls",
            "20,000 calls that are not streamed, from nginx, 16 at a time over 16 connections, one thread. `bare epoll` "
            "counts the bytes of the answers and does not look into them.",
            (("cpu_us_call", "CPU a call, µs", 2), ("wall_ms", "wall, ms", 0), ("peak_mib", "peak memory, MiB", 1)),
            "cpu_us_call", "µs of CPU a call", ("bare epoll",)),
    Section("lag", "Delay of the first token",
            "A server sends the head of the answer at once and its one event 50 ms later, with the time of that write in "
            "its text: how long after it the text was in the client's hands. One request after another on one connection. "
            "Most of it is the machine waking up, which the bare recv loop has, too.",
            (("lag_p50_us", "p50, µs", 0), ("lag_p90_us", "p90, µs", 0), ("lag_p99_us", "p99, µs", 0)),
            "lag_p50_us", "µs, p50", ("bare recv",)),
    Section("start", "Start to first byte",
            "From exec to the first byte of output, an answer of one event, from nginx over HTTP/1.1. The commands `castor` and "
            "`curl`; the SDKs in the smallest program that prints.",
            (("first_byte_ms", "first byte, ms", 2), ("cpu_ms", "CPU, ms", 2), ("peak_mib", "peak memory, MiB", 1)),
            "first_byte_ms", "ms", ("curl", "castor")),
    Section("start-tls", "Start to first byte over TLS",
            "The same from pollux over TLS. Both commands trust what the system trusts, by their own defaults; both run in a "
            "name space in which the system also trusts pollux.",
            (("first_byte_ms", "first byte, ms", 2), ("cpu_ms", "CPU, ms", 2), ("peak_mib", "peak memory, MiB", 1)),
            "first_byte_ms", "ms", ("curl",)),
    Section("events", "Large events",
            "64 MB of text from nginx, in events of 1, 8 and 64 MB: the time of a byte must not grow with its event. "
            "CPU from the first request to the last byte, receiving included.",
            (("cpu_ns_byte", "CPU a byte, ns", 3), ("peak_mib", "peak memory, MiB", 1)), "cpu_ns_byte", "ns of CPU a byte",
            ("64 of 1 MB",)),
    Section("silent", "Silence",
            "1,000 streams of pollux that gave one event and then nothing, in `castor_client_wait`. Wake-ups are the kernel's "
            "count of voluntary switches, the end of the wait among them: first in 15 s, in which libcurl's timers for "
            "connecting fall due, then in 60 s. Heap is what malloc gave, through the client's "
            "allocator and, apart, through libcurl's.",
            (("timer_wake_ups", "wake-ups, first 15 s", 0), ("wake_ups", "then 60 s", 0), ("cpu_us", "CPU, µs", 0), ("client_bytes", "client, bytes", 0),
             ("client_curl_bytes", "client, libcurl's part", 0), ("stream_bytes", "a stream, bytes", 0),
             ("stream_curl_bytes", "a stream, libcurl's part", 0)), None, None, ()),
    Section("size", "Size", "", (("bytes", "bytes", 0),), None, None, ()),
    Section("pollux", "Pollux",
            "The server's side, with `bench/streams` as the client on the same machine, so that the two share its cores: "
            "10,000 streams of 50 events, one every 200 ms; then 50 streams of 20,000 events, as fast as they go. HTTP/2 in "
            "the clear, with 100 and 50 streams a connection. Where the streams have a pace, events a second and the "
            "processor's time are those while all of them run.", SERVED, None, None, ()),
    Section("pollux-25000", "Pollux at 25,000 events a second",
            "10,000 streams over HTTP/1.1 in the clear, one event every 400 ms each, while all of them run; "
            "`bench/bare_pacer` sends the same bytes to as many sockets by `send()` and does nothing else: what the kernel "
            "takes.",
            (("events_s", "events a second", 0), ("server_core_pct", "of a core, %", 1),
             ("server_cpu_us_event", "server's CPU an event, µs", 2),
             ("server_user_us_event", "of it outside the kernel, µs", 2), ("late_p50_ms", "late p50, ms", 2),
             ("late_p99_ms", "late p99, ms", 2), ("lost", "lost", 0)), "server_cpu_us_event", "µs of CPU an event",
            ("bare send()",)),
    Section("pollux-start", "Start of pollux",
            "From exec to the line that says where it listens; from then on it accepts. SIGTERM follows, and CPU and memory "
            "are those of the whole life.",
            (("first_byte_ms", "listens, ms", 2), ("cpu_ms", "CPU, ms", 2), ("peak_mib", "peak memory, MiB", 1)), None, None,
            ()),
    Section("pollux-upload", "An upload to pollux",
            "Of one file of 500 MB by curl, in one chunk of the resumable protocol, to a pollux that has done nothing else; "
            "peak memory is the most that it ever had.",
            (("mb", "MB", 0), ("mb_s", "MB a second", 0), ("cpu_ms", "server's CPU, ms", 0),
             ("peak_mib", "server's peak memory, MiB", 1)), None, None, ()),
)

INTRODUCTION = """# Benchmarks

Written by `make bench`, all of it in one run on one machine: the same bytes from the same servers for everybody. Commands
take turns, A B C A B C, after a round that does not count; a figure is the median with (least to most), and a ratio is
taken pair by pair in each round, so that a machine whose speed drifts drifts for both. CPU and peak memory are those of
the whole process, started from a small static parent. Ratios are what counts; absolute times belong to the machine. Servers
are nginx with bodies that lie ready, pollux for what has a pace, and a small writer that says when it wrote; all on
loopback and on the last core. MB and KB are powers of ten. Each measure runs alone with `bench/run build/release NAME`.
"""


def digits(number, count):
    return f"{number:,.{count}f}"


def cell(value, count):
    if value is None:
        return ""
    if value.least == value.most:
        return digits(value.median, count)
    return f"{digits(value.median, count)} ({digits(value.least, count)} to {digits(value.most, count)})"


def times(value):
    return "" if value is None else digits(value.median, 2 if value.median < 10 else 0) + "×"


def print_row(cells):
    print("| " + " | ".join(cells) + " |")


def print_table(runs, section):
    bases = [base for base in section.bases if runs.figure(section.measure, base, section.main)]
    heads = [heading for _, heading, _ in section.columns] + [f"× {base}" for base in bases]
    print_row(["", "rounds"] + heads)
    print_row(["---"] * (len(heads) + 2))
    for side in runs.sides(section.measure):
        why = runs.failed.get((section.measure, side))
        if why:
            print_row([side, why] + [""] * len(heads))
            continue
        figures = [cell(runs.figure(section.measure, side, name), count) for name, _, count in section.columns]
        ratios = [times(runs.ratio(section.measure, side, base, section.main)) for base in bases]
        print_row([side, str(runs.count(section.measure, side))] + figures + ratios)
    print()


def print_differences(runs, section):
    """Everybody is to see as many events as castor did."""
    wanted = runs.figure(section.measure, "castor", "events")
    for side in runs.sides(section.measure):
        seen = runs.figure(section.measure, side, "events")
        if wanted and seen and seen != wanted:
            print(f"{side} saw {cell(seen, 0)} events where castor saw {cell(wanted, 0)}.\n")


def kind(side):
    if side in LIMITS:
        return "limit"
    return "ours" if side == "castor" else "other"


def plot_rows(runs, section):
    count = next(count for name, _, count in section.columns if name == section.main)
    base = section.bases[0] if section.bases else None
    for side in runs.sides(section.measure):
        value = runs.figure(section.measure, side, section.main)
        if value is None:
            continue
        label = digits(value.median, count)
        ratio = base and runs.ratio(section.measure, side, base, section.main)
        if ratio:
            label += f"  ({times(ratio)})"
        yield side, kind(side), *value, label


def plot(runs, section, directory):
    rows = list(plot_rows(runs, section))
    if not rows:
        return
    name = f"{section.measure}.svg"
    title = f"{section.title}: {section.unit}" + (f" (× {section.bases[0]})" if section.bases else "")
    (directory / name).write_text(bars(title, rows))
    print(f"![{title}](benchmarks/{name})\n")


def print_decode(runs, directory):
    if not runs.decode:
        return
    print("## Decode\n\nBytes of an event stream in memory to castor's events, all facts kept, and to text by framing and a "
          "yyjson DOM that is asked for the text alone. 64 KiB at a time, copied to one work buffer, as after recv; the "
          "layouts of the real services. CPU of one core.\n")
    for layout in dict.fromkeys(one["layout"] for one in runs.decode if one["bench"] == "decode"):
        lines = [one for one in runs.decode if one["bench"] == "decode" and one["layout"] == layout]
        print_row([f"{layout}, {lines[0]['rounds']} rounds", "ns an event", "MB/s", "× yyjson", "× memcpy"])
        print_row(["---"] * 5)
        for one in lines:
            print_row([one["method"], digits(one["ns_event"], 1), digits(one["mb_s"], 0)] +
                      [f"{one[key]:.2f} ({one[key + '_min']:.2f} to {one[key + '_max']:.2f})"
                       for key in ("to_yyjson", "to_memcpy")])
        print()
        rows = [(one["method"], "ours" if one["method"] == "castor" else "limit", one["ns_event"], one["ns_event"],
                 one["ns_event"], f"{one['ns_event']:.0f}  ({one['to_yyjson']:.2f}×)") for one in lines]
        title = f"Decode, {layout}: ns an event (× yyjson)"
        (directory / f"decode-{layout.replace(', ', '-')}.svg").write_text(bars(title, rows))
        print(f"![{title}](benchmarks/decode-{layout.replace(', ', '-')}.svg)\n")
    large = [one for one in runs.decode if one["bench"] == "event"]
    if large:
        print_row(["one large event", "MB", "ns a byte", "× 1 MB"])
        print_row(["---"] * 4)
        for one in large:
            print_row([one["kind"], str(one["megabytes"]), f"{one['ns_byte']:.3f}", f"{one['to_1mb']:.2f}"])
        print()
    memory = [f"{one['what']}: {digits(one['bytes'], 0)}" for one in runs.decode if one["bench"] == "memory"]
    if memory:
        print("Bytes of memory. " + "; ".join(memory) + ".\n")


def print_facts(facts):
    if facts.get("quick"):
        print("**A quick run, with few rounds and less work, to see that everything works. Its figures mean nothing.**\n")
    print(f"{facts['date']}; {facts['machine']}; load before the run {facts['load']}. castor {facts['castor']}, "
          f"curl {facts['curl']} ({facts['libraries']}), {facts['servers']}. Peers: {facts['peers'] or 'none. '}"
          "pinned as in `conformance/peers/`." + (f" Left out: {facts['missing']}." if facts["missing"] else ""))
    print()


def main(results, notes, directory):
    runs = Runs(pathlib.Path(results).read_text().splitlines())
    directory = pathlib.Path(directory)
    print(INTRODUCTION)
    print_facts(runs.facts)
    print("## Targets\n")
    print_targets(runs)
    if pathlib.Path(notes).exists():
        print(pathlib.Path(notes).read_text().rstrip() + "\n")
    print_decode(runs, directory)
    for section in SECTIONS:
        if not runs.has(section.measure):
            continue
        print(f"## {section.title}\n")
        if section.prose:
            print(section.prose + "\n")
        print_table(runs, section)
        print_differences(runs, section)
        if section.main:
            plot(runs, section, directory)


main(*sys.argv[1:])
