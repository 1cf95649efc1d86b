# google_genai.py -- Google's SDK for Python: generate_content_stream.
# SPDX-License-Identifier: MIT
import base64

from google import genai
from google.genai import types

import driver

CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOLS = [types.Tool(function_declarations=[
    types.FunctionDeclaration(name=name, description=name, parameters_json_schema=CITY)
    for name in ("get_weather", "get_time")])]


def take_part(part, candidate, seen):
    if part.thought_signature:
        seen.signatures.append(base64.b64encode(part.thought_signature).decode())
    if part.function_call:
        seen.calls.append([part.function_call.name, part.function_call.args or {}])
    elif part.text is not None and part.thought:
        seen.thought.append(part.text)
    elif part.text is not None:
        seen.text(part.text, candidate)


def take(chunk, seen):
    if chunk.prompt_feedback and chunk.prompt_feedback.block_reason:
        seen.block = str(chunk.prompt_feedback.block_reason.value)
    if chunk.usage_metadata and chunk.usage_metadata.total_token_count is not None:
        seen.usage = chunk.usage_metadata.total_token_count
    for candidate in chunk.candidates or []:
        index = candidate.index or 0
        for part in (candidate.content and candidate.content.parts) or []:
            take_part(part, index, seen)
        if candidate.finish_reason:
            seen.finish[index] = str(candidate.finish_reason.value)


def connect(case):
    timeout = case["timeout_s"] and case["timeout_s"] * 1000
    options = types.HttpOptions(base_url=case["url"], timeout=timeout or None)
    return genai.Client(api_key=case["key"], http_options=options)


def ask(client, case, seen):
    config = types.GenerateContentConfig(
        tools=TOOLS if case["tools"] else None, candidate_count=case["candidates"] if case["candidates"] > 1 else None,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True) if case["tools"] else None)
    for chunk in client.models.generate_content_stream(model=case["model"], contents=case["prompt"], config=config):
        take(chunk, seen)
        yield


driver.run(connect, ask)
