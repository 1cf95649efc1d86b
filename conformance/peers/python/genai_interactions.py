# genai_interactions.py -- interactions through Google's SDK for Python.
# SPDX-License-Identifier: MIT
import functools

from genai_support import TEXT, client, new_client
from harness import MODELS, PROMPTS, expect, operation, raises, same, short, wait_for


def interact(**fields):
    return client().interactions.create(model=TEXT, **{"input": PROMPTS["short"], **fields})


def output_text(interaction):
    return "".join(piece.text for step in interaction.steps if step.type == "model_output" for piece in step.content)


def check_interaction(one, status="completed"):
    same(one.status, status, "the status")
    expect(one.id, "there is no id")
    usage = one.usage
    same(usage.total_tokens, usage.total_input_tokens + usage.total_output_tokens + (usage.total_thought_tokens or 0) +
         (usage.total_tool_use_tokens or 0), "the total of tokens")


@operation("interactions.create")
def _():
    one = interact()
    check_interaction(one)
    expect(output_text(one), "there is no text")
    same(one.output_text, output_text(one), "the SDK's output_text")


@operation("interactions.stream")
def _():
    events = list(interact(input=PROMPTS["plain"], stream=True))
    kinds = [event.event_type for event in events]
    same((kinds[0], kinds[-1]), ("interaction.created", "interaction.completed"), "the first and the last event")
    for kind in ("step.start", "step.delta", "step.stop"):
        expect(kind in kinds, f"there is no {kind}")
    text = "".join(e.delta.text for e in events if e.event_type == "step.delta" and e.delta.type == "text")
    same(text, output_text(interact(input=PROMPTS["plain"])), "the streamed text")
    check_interaction(events[-1].interaction)


@operation("interactions.async")
async def _():
    async with new_client().aio as aio:
        one = await aio.interactions.create(model=TEXT, input=PROMPTS["short"])
        check_interaction(one)
        stream = await aio.interactions.create(model=TEXT, input=PROMPTS["short"], stream=True)
        same([event.event_type async for event in stream][-1], "interaction.completed", "the last event")


@operation("interactions.chain")
def _():
    first = interact(input="My name is Castor.")
    second = interact(previous_interaction_id=first.id, input=PROMPTS["short"])
    check_interaction(second)
    expect(second.usage.total_input_tokens > interact().usage.total_input_tokens, "the first one is not counted")


@operation("interactions.get")
def _():
    one = interact()
    same(output_text(client().interactions.get(one.id)), output_text(one), "the text")
    whole = client().interactions.get(one.id, include_input=True)
    same(whole.steps[0].type, "user_input", "the first step with the input")


@operation("interactions.background")
def _():
    one = interact(background=True)
    busy = ("in_progress", "queued")
    expect(one.status in busy, f"it is born {one.status}")
    done = wait_for(lambda: client().interactions.get(one.id), lambda now: now.status not in busy, "it")
    check_interaction(done)
    expect(output_text(done), "there is no text")


@operation("interactions.resume")
def _():
    one = interact(input=PROMPTS["plain"], background=True)
    events = list(client().interactions.get(one.id, stream=True))
    ids = [event.event_id for event in events if getattr(event, "event_id", None)]
    expect(len(ids) > 1, f"{len(ids)} events have an id")
    rest = list(client().interactions.get(one.id, stream=True, last_event_id=ids[0]))
    rest_ids = [event.event_id for event in rest if getattr(event, "event_id", None)]
    same(rest_ids, ids[1:], "the events after the first")


@operation("interactions.cancel")
def _():
    one = interact(input=PROMPTS["long"], background=True)
    same(client().interactions.cancel(one.id).status, "cancelled", "the status")


@operation("interactions.delete")
def _():
    one = interact()
    client().interactions.delete(one.id)
    error = raises(Exception, lambda: client().interactions.get(one.id))
    same(type(error).__name__, "NotFoundError", "the error")
    same(error.status_code, 404, "the code")


@operation("interactions.function")
def _():
    tool = {"type": "function", "name": "get_weather", "description": "Tells the weather in a city.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}
    one = interact(input=PROMPTS["weather"], tools=[tool])
    same(one.status, "requires_action", "the status")
    call = [step for step in one.steps if step.type == "function_call"][0]
    same(call.name, "get_weather", "the function")
    result = {"type": "function_result", "call_id": call.id, "name": call.name, "result": "21 degrees"}
    two = interact(input=[result], previous_interaction_id=one.id, tools=[tool])
    check_interaction(two)
    expect("21" in output_text(two), f"the answer does not use the result: {short(output_text(two))}")


@operation("interactions.long_decode")
def _():
    one = client().interactions.create(model=MODELS["long"], input=PROMPTS["long"],
                                       generation_config={"max_output_tokens": 100000})
    check_interaction(one)
    tokens = one.usage.total_output_tokens
    expect(tokens > 65536, f"{tokens} tokens fit into one request, so nothing was continued")


@operation("interactions.error")
def _():
    error = raises(Exception, lambda: interact(store=False, background=True))
    same(type(error).__name__, "BadRequestError", "the error")
    same((error.status_code, error.body["error"]["code"]), (400, "invalid_request"), "the code")


def refuse(status, kind, code):
    faulty = client(fault=f"status={status}").interactions
    error = raises(Exception, lambda: faulty.create(model=TEXT, input=PROMPTS["short"]))
    same((type(error).__name__, error.status_code, error.body["error"]["code"]), (kind, status, code), "the error")


operation("interactions.error.401")(functools.partial(refuse, 401, "AuthenticationError", "authentication"))
operation("interactions.error.403")(functools.partial(refuse, 403, "PermissionDeniedError", "permission_denied"))


@operation("interactions.model_error")
def _():
    error = raises(Exception, lambda: client().interactions.create(model=MODELS["unknown"], input="Hi"))
    same((type(error).__name__, error.status_code), ("NotFoundError", 404), "the error")
