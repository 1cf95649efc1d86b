# httpx_http2.py -- httpx with h2, an HTTP/2 that shares nothing with nghttp2.
# SPDX-License-Identifier: MIT
import asyncio

import httpx

import harness
from harness import CA, CASES, MODELS, PROMPTS, URL, expect, operation, same

MODEL = f"/v1beta/models/{MODELS['text']}"
QUESTION = {"contents": [{"role": "user", "parts": [{"text": PROMPTS["plain"]}]}]}


def connected(kind=httpx.Client):
    # Without HTTP/1.1 to fall back to, the clear connection is opened with prior knowledge.
    return kind(base_url=URL, http1=False, http2=True, verify=CA or True, timeout=20,
                headers={"x-goog-api-key": CASES["key"]})


def check(answer, status=200):
    same((answer.http_version, answer.status_code), ("HTTP/2", status), "version and status")
    return answer.json()


@operation("h2.unary")
def _():
    with connected() as client:
        answer = check(client.post(MODEL + ":generateContent", json=QUESTION))
    same(answer["candidates"][0]["finishReason"], "STOP", "the finish reason")


@operation("h2.stream")
def _():
    with connected() as client:
        with client.stream("POST", MODEL + ":streamGenerateContent?alt=sse", json=QUESTION) as answer:
            events = [line for line in answer.iter_lines() if line.startswith("data: ")]
    expect(len(events) > 1, f"{len(events)} event came, so nothing was streamed")
    expect('"finishReason": "STOP"' in events[-1], "the last event has no finish reason")


@operation("h2.error")
def _():
    with connected() as client:
        same(check(client.get("/v1beta/models/no-such-model"), 404)["error"]["status"], "NOT_FOUND", "the error")


@operation("h2.upload")
def _():
    with connected() as client:
        answer = check(client.post(MODEL + ":countTokens", json={"contents": {"parts": {"text": "b" * (1 << 20)}}}))
    expect(answer["totalTokens"] > 100000, f"the answer is {answer}")


@operation("h2.many")
async def _():
    async with connected(httpx.AsyncClient) as client:
        answers = await asyncio.gather(*(client.post(MODEL + ":generateContent", json=QUESTION) for _ in range(50)))
    same({answer.http_version for answer in answers}, {"HTTP/2"}, "the versions")
    same(len({answer.json()["candidates"][0]["content"]["parts"][0]["text"] for answer in answers}), 1, "the texts")


@operation("h2.cancel")
def _():
    with connected() as client:
        with client.stream("POST", MODEL + ":streamGenerateContent?alt=sse", json=QUESTION) as answer:
            next(answer.iter_bytes())
        check(client.get(MODEL))


def main():
    harness.run("httpx")
