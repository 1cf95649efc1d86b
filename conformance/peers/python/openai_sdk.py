# openai_sdk.py -- the openai SDK for Python, plain and async, against pollux's OpenAI surface.
# SPDX-License-Identifier: MIT
import json

import openai

import harness
from harness import CASES, MODELS, PROMPTS, URL, expect, once_key, operation, raises, same, short

TEXT = MODELS["text"]
BASE = URL + "/v1beta/openai/"
TOOL = {"type": "function", "function": {
    "name": "get_weather", "description": "Tells the weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}


def client(key=CASES["key"], fault=None, kind=openai.OpenAI, retries=0):
    headers = {CASES["faultHeader"]: CASES["faults"].get(fault, fault)} if fault else None
    return kind(api_key=key, base_url=BASE, default_headers=headers, max_retries=retries)


def chat(content, api=None, **fields):
    messages = content if isinstance(content, list) else [{"role": "user", "content": content}]
    return (api or client()).chat.completions.create(**{"model": TEXT, "messages": messages, **fields})


def check_usage(usage):
    parts = usage.prompt_tokens, usage.completion_tokens, usage.total_tokens
    expect(parts[0] > 0 and parts[1] > 0 and parts[2] >= parts[0] + parts[1], f"the counts are {parts}")


def check_answer(answer, reason="stop"):
    same(answer.choices[0].finish_reason, reason, "the finish reason")
    check_usage(answer.usage)


def text_of(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def check_call(call):
    same((call.type, call.function.name), ("function", "get_weather"), "the call")
    same(list(json.loads(call.function.arguments)), ["city"], "the arguments")


@operation("openai.chat")
def _():
    answer = chat([{"role": "system", "content": "Be brief."}, {"role": "user", "content": PROMPTS["plain"]}])
    check_answer(answer)
    expect(answer.choices[0].message.content, "there is no text")


@operation("openai.stream")
def _():
    chunks = list(chat(PROMPTS["plain"], stream=True, stream_options={"include_usage": True}))
    expect(len(chunks) > 2, f"{len(chunks)} chunks came, so nothing was streamed")
    same(text_of(chunks), chat(PROMPTS["plain"]).choices[0].message.content, "the streamed text")
    check_usage(chunks[-1].usage)


@operation("openai.async")
async def _():
    async with client(kind=openai.AsyncOpenAI) as api:
        check_answer(await chat(PROMPTS["short"], api))
        chunks = [chunk async for chunk in await chat(PROMPTS["plain"], api, stream=True)]
    expect(len(chunks) > 2 and text_of(chunks), "nothing was streamed")


@operation("openai.reasoning")
def _():
    def thought(effort):
        usage = chat(PROMPTS["plain"], model=MODELS["budget"], reasoning_effort=effort).usage
        return usage.total_tokens - usage.prompt_tokens - usage.completion_tokens

    same(thought("none"), 0, "the tokens of no thinking")
    expect(thought("high") > 0, "there is no thinking")


@operation("openai.json_schema")
def _():
    from pydantic import BaseModel

    class Recipe(BaseModel):
        name: str
        minutes: int

    answer = client().chat.completions.parse(
        model=TEXT, messages=[{"role": "user", "content": "A recipe for bread"}], response_format=Recipe)
    expect(isinstance(answer.choices[0].message.parsed, Recipe), f"parsed is {short(answer.choices[0].message)}")


@operation("openai.tools")
def _():
    turns = [{"role": "user", "content": PROMPTS["weather"]}]
    choice = chat(turns, tools=[TOOL]).choices[0]
    same((choice.finish_reason, len(choice.message.tool_calls or [])), ("tool_calls", 1), "reason and calls")
    check_call(choice.message.tool_calls[0])
    turns += [choice.message, {"role": "tool", "tool_call_id": choice.message.tool_calls[0].id, "content": "21"}]
    final = chat(turns, tools=[TOOL])
    check_answer(final)
    expect("21" in final.choices[0].message.content, f"not used: {short(final.choices[0].message.content)}")


@operation("openai.tools_stream")
def _():
    with client().chat.completions.stream(model=TEXT, tools=[TOOL], messages=[
            {"role": "user", "content": PROMPTS["weather"]}]) as stream:
        choice = stream.get_final_completion().choices[0]
    same((choice.finish_reason, len(choice.message.tool_calls or [])), ("tool_calls", 1), "reason and calls")
    check_call(choice.message.tool_calls[0])


@operation("openai.embeddings")
def _():
    api = client().embeddings
    coded = api.create(model=MODELS["embedding"], input=["a beaver", "a dam"]).data  # asked for in base64
    same([len(one.embedding) for one in coded], [3072, 3072], "the dimensions")
    plain = api.create(model=MODELS["embedding"], input="a beaver", encoding_format="float").data[0]
    difference = max(abs(a - b) for a, b in zip(plain.embedding, coded[0].embedding))
    expect(difference < 1e-6, f"base64 and numbers differ by {difference}")


@operation("openai.models")
def _():
    ids = [model.id for model in client().models.list()]
    expect("models/" + TEXT in ids, f"{TEXT} is not among {short(ids)}")
    same(client().models.retrieve(TEXT).id, "models/" + TEXT, "the id")


KINDS = {400: openai.BadRequestError, 401: openai.AuthenticationError, 403: openai.PermissionDeniedError,
         404: openai.NotFoundError, 429: openai.RateLimitError, 500: openai.InternalServerError,
         503: openai.InternalServerError}


def register_errors():
    for case in CASES["errors"]:

        def provoke(case=case, **fields):
            api = client(key=case.get("key", CASES["key"]), fault=case.get("fault"))
            messages = [{"role": case.get("role", "user"), "content": PROMPTS["short"]}]
            model = MODELS[case.get("model", "text")]
            error = raises(KINDS[case["code"]], lambda: chat(messages, api, model=model, **fields))
            same(error.status_code, case["code"], "the code")

        operation(case["operation"])(provoke)
        operation(case["operation"] + ".stream")(lambda provoke=provoke: provoke(stream=True))


register_errors()


@operation("error.mid_stream.event")
def _():
    seen = []

    def read():
        for chunk in chat(PROMPTS["plain"], client(fault="event"), stream=True):
            seen.append(chunk)

    raises(openai.APIError, read)
    expect(seen, "nothing came before the error")


@operation("error.retried")
def _():
    check_answer(chat(PROMPTS["short"], client(once_key(), "retry", retries=2)))


def main():
    harness.run("openai-python")
