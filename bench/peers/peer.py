# peer.py -- the Python SDKs do what bench/castor_answers and bench/castor_many do.
# SPDX-License-Identifier: MIT
#
#     peer.py genai|openai print URL MODEL
#     peer.py genai|openai answers|lag URL MODEL N
#     peer.py genai many URL PROMPT N GAP_MS
#
# Prints one object of JSON; `print` the text.
import json
import sys
import time

STAMP_DIGITS = 19


def genai(url):
    from google import genai
    from google.genai import types

    client = genai.Client(api_key="test-key", http_options=types.HttpOptions(base_url=url))

    def ask(model):
        for chunk in client.models.generate_content_stream(model=model, contents="hi"):
            yield chunk.text or ""

    return ask


def openai(url):
    from openai import OpenAI

    client = OpenAI(api_key="test-key", base_url=url)

    def ask(model):
        messages = [{"role": "user", "content": "hi"}]
        for chunk in client.chat.completions.create(model=model, messages=messages, stream=True):
            if chunk.choices:
                yield chunk.choices[0].delta.content or ""

    return ask


def at(ordered, part):
    return ordered[int(part * (len(ordered) - 1))] if ordered else 0


def say(figures):
    print(json.dumps(figures))


def print_text(ask, model):
    for text in ask(model):
        print(text, end="", flush=True)


def answers(ask, model, count):
    events = characters = 0
    for _ in range(int(count)):
        for text in ask(model):
            events += 1
            characters += len(text)
    say({"events": events, "characters": characters})


def lag(ask, model, count):
    lags = []
    for _ in range(int(count)):
        for text in ask(model):
            now = time.monotonic_ns()
            if len(text) >= STAMP_DIGITS:
                lags.append((now - int(text[:STAMP_DIGITS])) / 1e3)
    lags.sort()
    say({"events": len(lags), "lag_p50_us": at(lags, 0.5), "lag_p90_us": at(lags, 0.9), "lag_p99_us": at(lags, 0.99)})


def many(url, prompt, count, gap):
    import asyncio

    from google import genai
    from google.genai import types

    late = []

    async def one(client):
        asked, events = time.monotonic(), 0
        stream = await client.aio.models.generate_content_stream(model="gemini-3.8-flash", contents=prompt)
        async for _ in stream:
            events += 1
            late.append(max(0, (time.monotonic() - asked) * 1e3 - events * int(gap)))

    async def run():
        client = genai.Client(api_key="test-key", http_options=types.HttpOptions(base_url=url))
        await asyncio.gather(*(one(client) for _ in range(int(count))))

    asyncio.run(run())
    late.sort()
    say({"streams": int(count), "events": len(late), "late_p50_ms": at(late, 0.5), "late_p99_ms": at(late, 0.99)})


def main(sdk, mode, url, model, *rest):
    if mode == "many":
        many(url, model, *rest)
        return
    ask = {"genai": genai, "openai": openai}[sdk](url)
    {"print": print_text, "answers": answers, "lag": lag}[mode](ask, model, *rest)


main(*sys.argv[1:])
