# openai_sdk.py -- the openai SDK for Python: chat.completions.create with stream=True.
# SPDX-License-Identifier: MIT
import json

import openai

import driver


def take_call(piece, calls):
    call = calls.setdefault(piece.index, {"name": "", "arguments": ""})
    call["name"] += piece.function.name or ""
    call["arguments"] += piece.function.arguments or ""


def take(chunk, seen, calls):
    if chunk.usage:
        seen.usage = chunk.usage.total_tokens
    for choice in chunk.choices or []:
        index = choice.index or 0
        if choice.delta and choice.delta.content:
            seen.text(choice.delta.content, index)
        for piece in (choice.delta and choice.delta.tool_calls) or []:
            take_call(piece, calls)
        if choice.finish_reason:
            seen.finish[index] = choice.finish_reason


def connect(case):
    settings = {"timeout": case["timeout_s"]} if case["timeout_s"] else {}
    return openai.OpenAI(api_key=case["key"], base_url=case["url"] + "/v1beta/openai/", **settings)


def ask(client, case, seen):
    fields = {"n": case["candidates"]} if case["candidates"] > 1 else {}
    calls = {}
    try:
        for chunk in client.chat.completions.create(
                model=case["model"], messages=[{"role": "user", "content": case["prompt"]}], stream=True,
                stream_options={"include_usage": True}, **fields):
            take(chunk, seen, calls)
            yield
    finally:
        for call in calls.values():
            seen.calls.append([call["name"], arguments(call["arguments"])])


def arguments(text):
    """As a program would read them; what cannot be read stays text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


driver.run(connect, ask)
