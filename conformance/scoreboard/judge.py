# judge.py -- whether a client got a case right. One rule for each verdict that a case names; docs/scoreboard.md has
# them in words.
# SPDX-License-Identifier: MIT
import base64
import re

NATURAL = {"STOP", "stop", "tool_calls", "tool-calls"}
NOTHING = {None, "", "FINISH_REASON_UNSPECIFIED"}
RIGHT, WRONG, SILENT, HANG = "right", "wrong", "silent", "hang"
TIME_WORDS = re.compile(r"time[ds]?[ -]?out|timeout|deadline|time limit", re.I)


class Judgement(Exception):
    """Raised by what finds a client wrong."""

    def __init__(self, mark, why):
        super().__init__(why)
        self.mark, self.why = mark, why


def short(value, most=140):
    text = " ".join(str(value).split())
    return text if len(text) <= most else text[:most] + "..."


def error_text(seen):
    error = seen["error"] or {}
    return f"{error.get('class', '')} {error.get('code', '')} {error.get('message', '')}"


def raised(seen):
    return f"raised {short(error_text(seen))}"


def is_end_told(seen):
    """The normal result has a positive word that the answer did not end naturally."""
    return seen["finish"] not in NATURAL | NOTHING or bool(seen["block"] and seen["block"] not in NATURAL)


def base(text):
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_" if set(text) & set("-_") else None)


def differences(case, seen):
    """What a caller got that is not what was sent."""
    if "text" in case.keys:
        text = seen["text"] if isinstance(seen["text"], str) else ""
        if not re.fullmatch(case.keys["text"], text, re.S):
            yield f"the text is {short(repr(text), 80)}"
    elif seen["text"] != case.text:
        yield f"the text is {short(repr(seen['text']), 80)}"
    for index, pieces in case.texts.items():
        if index and seen["others"].get(str(index)) != "".join(pieces):
            yield f"candidate {index} is {seen['others'].get(str(index))!r}"
    if case.thoughts and seen["thought"] != "".join(case.thoughts):
        yield f"the thought is {seen['thought']!r}"
    if case.calls and seen["calls"] != case.calls:
        yield f"the calls are {short(seen['calls'])}"
    if case.signatures and [base(one) for one in seen["signatures"]] != [base(one) for one in case.signatures]:
        yield f"the signatures are {short(seen['signatures'])}"
    if case.usage is not None and seen["usage"] != case.usage:
        yield f"the count of tokens is {seen['usage']}"


def whole(case, seen, _):
    if seen["error"]:
        raise Judgement(WRONG, raised(seen))
    found = list(differences(case, seen))
    if found:
        raise Judgement(WRONG if is_end_told(seen) else SILENT, "; ".join(found))
    if is_end_told(seen):
        raise Judgement(WRONG, f"says that it ended for {seen['finish']}")
    return f"whole, after {seen['seconds']:.1f} s"


def linear(case, seen, world):
    """Whole, and four times the bytes do not take much more than four times the CPU; below 4 s nobody minds."""
    whole(case, seen, world)
    used, other = world["cpu_s"], world["cpu_s_of"].get(case.keys["against"])
    if other and used > max(4, 8 * other):
        raise Judgement(WRONG, f"{used:.0f} s of CPU, {used / other:.0f} times as much as for a quarter of it")
    return f"whole, after {used:.1f} s of CPU"


def is_prefix(case, seen):
    return isinstance(seen["text"], dict) or isinstance(case.text, dict) or case.text.startswith(seen["text"])


def told(case, seen, _):
    """Half an answer: the caller is told, by an error or a word in the normal result; no text is invented."""
    if not is_prefix(case, seen):
        raise Judgement(SILENT if not seen["error"] else WRONG, f"invented text: {short(repr(seen['text']), 80)}")
    if seen["error"]:
        return raised(seen)
    if is_end_told(seen):
        return f"says {seen['finish']}"
    raise Judgement(SILENT, f"success, {len(seen['text'])} of {len(case.text)} characters, "
                            f"finish reason {seen['finish'] or 'missing'}")


def reason(case, seen, _):
    """The reason for the end, or this client's documented word for it, is in the result or in the error."""
    wanted = case.finish or case.error["reason"]
    words = {wanted.lower(), *case.keys.get("words", wanted).lower().split(" ")}
    if not seen["error"] and seen["text"] != case.text:
        raise Judgement(SILENT, f"the text is {short(repr(seen['text']), 80)}")
    for word in (seen["finish"], seen["block"]):
        if word and str(word).lower() in words:
            return f"says {word}"
    if wanted.lower() in error_text(seen).lower():
        return raised(seen)
    if seen["error"]:
        raise Judgement(WRONG, f"hides the reason: {raised(seen)}")
    mark = WRONG if is_end_told(seen) else SILENT
    raise Judgement(mark, f"success; the finish reason is {seen['finish'] or 'missing'}")


def error(case, seen, _):
    """The server's error is raised, and tells its code or its status; no text is told twice."""
    if not seen["error"]:
        raise Judgement(WRONG if is_end_told(seen) else SILENT,
                        f"success, {len(seen['text'])} characters, finish reason {seen['finish'] or 'missing'}")
    if not re.search("|".join(filter(None, (case.error.get("code"), case.error.get("reason")))), error_text(seen)):
        raise Judgement(WRONG, f"hides the server's error: {raised(seen)}")
    if not is_prefix(case, seen):
        raise Judgement(WRONG, f"invented text: {short(repr(seen['text']), 80)}")
    return raised(seen)


def timeout(case, seen, _):
    if not seen["error"]:
        raise Judgement(WRONG if is_end_told(seen) else SILENT, f"success after {seen['seconds']:.1f} s")
    if case.has("timeout") and seen["seconds"] > case.number("timeout") * 5:
        raise Judgement(WRONG, f"only after {seen['seconds']:.1f} s: {raised(seen)}")
    if not TIME_WORDS.search(error_text(seen)):
        raise Judgement(WRONG, f"after {seen['seconds']:.1f} s, but not called a timeout: {raised(seen)}")
    return f"after {seen['seconds']:.1f} s: {raised(seen)}"


def obeyed(case, seen, world):
    """A delay that the server told: waited for, or handed to the caller; never come back too early."""
    delay = case.number("delay")
    if world["requests"] > 1 and world["gap"] < delay:
        raise Judgement(WRONG, f"asked again within {world['gap']:.1f} s")
    if not seen["error"]:
        whole(case, seen, world)
        return f"asked again, whole after {world['gap']:.1f} s"
    shown = rf"\b{delay:.0f}(\.\d+)? ?s|retry-after: |{delay * 1000:.0f}"
    if not re.search(shown, error_text(seen)):
        raise Judgement(WRONG, f"gave up and hid the delay: {raised(seen)}")
    return f"handed the delay to the caller: {raised(seen)}"


def final(case, seen, world):
    """An error that no wait mends is raised with its code, and was not asked for twice."""
    result = error(case, seen, world)
    if world["requests"] > 1:
        raise Judgement(WRONG, f"asked {world['requests']} times in vain")
    return result


def discreet(case, seen, world):
    """The key did not reach another host."""
    if world["leaks"]:
        raise Judgement(WRONG, f"sent the key to the other host, in {', '.join(world['leaks'])}")
    return raised(seen) if seen["error"] else "did not follow"


RULES = {"COMPLETE": whole, "TRUNCATED": told, "BLOCKED": reason, "MAX_TOKENS": reason, "MALFORMED": reason,
         "FAILED": error, "AUTH": final, "TIMEOUT": timeout, "QUOTA_DAY": final}
NAMED = {"obeyed": obeyed, "discreet": discreet, "reason": reason, "told": told, "error": error, "linear": linear}


def any_error(case, seen, _):
    if not seen["error"]:
        raise Judgement(SILENT, "no error")
    return raised(seen)


NAMED["an error"] = any_error


def judge(case, seen, world):
    """(mark, why). `seen` is what a driver told; None: it told nothing in time, or died, as world["end"] says."""
    if seen is None:
        return (HANG if world["end"] == "hang" else WRONG), world["end_why"]
    if (seen["error"] or {}).get("message", "").startswith("panic:"):
        return WRONG, raised(seen)
    rules = [NAMED[case.keys["as"]] if case.has("as") else RULES[case.verdict]]
    rules += [NAMED[word] for word in case.keys.get("also", "").split(", ") if word]
    worst = None
    for rule in rules:
        try:
            return RIGHT, rule(case, seen, world)
        except Judgement as found:
            worst = worst or found
    return worst.mark, worst.why
