# harness.py -- runs operations one after another and says of each, in one JSON line, what came of it.
# SPDX-License-Identifier: MIT
import asyncio
import inspect
import json
import os
import pathlib
import signal
import sys
import time

SECONDS_MAX = 30  # for one operation; the whole driver is timed by its caller

HERE = pathlib.Path(__file__).resolve().parent
CASES = json.loads((HERE.parent / "cases.json").read_text())
MODELS = CASES["models"]
PROMPTS = CASES["prompts"]
URL = os.environ["POLLUX_URL"]
LIMITED_URL = os.environ.get("POLLUX_LIMITED_URL")  # one request a minute for each key; in the clear only
TRANSPORT = os.environ["PEERS_TRANSPORT"]
SCRATCH = pathlib.Path(os.environ["PEERS_SCRATCH"])
CA = os.environ.get("POLLUX_CA")  # set where the transport is TLS


class Skip(Exception):
    """The client cannot do this at all; the message is the reason."""


_operations = []


def operation(name):
    """Marks a function, plain or async, as the operation of this name."""

    def keep(function):
        _operations.append((name, function))
        return function

    return keep


def expect(is_true, what):
    if not is_true:
        raise AssertionError(what)


def same(actual, wanted, what):
    expect(actual == wanted, f"{what} is {short(actual)}, not {short(wanted)}")


def short(value, most=160):
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= most else text[:most] + "..."


def raises(kind, function):
    """The error of this very kind that the call raises; anything else is a failure."""
    try:
        result = function()
    except kind as error:
        return error
    except Exception as error:
        raise AssertionError(f"raised {type(error).__name__}, not {kind.__name__}: {short(str(error))}") from error
    raise AssertionError(f"raised nothing; answered {short(result)}")


def once_key():
    """A key that nobody else uses: pollux counts by it how often a fault still has to happen."""
    return f"once-{os.getpid()}-{time.monotonic_ns()}"


def wait_for(look, is_there, what, seconds=15):
    """Polls until the thing looked at is as wished."""
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if is_there(seen):
            return seen
        expect(time.monotonic() < end, f"{what}: still {short(seen)} after {seconds} s")
        time.sleep(0.1)


def _ring(*_):
    raise TimeoutError(f"not done after {SECONDS_MAX} s")


def _why(error):
    name = "" if isinstance(error, AssertionError) else type(error).__name__ + ": "
    return short(" ".join((name + str(error)).split()), 300)


def run(client):
    """Runs what was registered, or only the operations whose names start with one of the words given."""
    wanted = tuple(sys.argv[2:])
    signal.signal(signal.SIGALRM, _ring)
    for name, function in _operations:
        if wanted and not name.startswith(wanted):
            continue
        result, why = "pass", ""
        signal.alarm(SECONDS_MAX)
        try:
            if inspect.iscoroutinefunction(function):
                asyncio.run(function())
            else:
                function()
        except Skip as error:
            result, why = "skip", str(error)
        except Exception as error:
            result, why = "fail", _why(error)
        finally:
            signal.alarm(0)
        line = {"client": client, "transport": TRANSPORT, "operation": name, "result": result, "why": why}
        print(json.dumps(line), flush=True)
