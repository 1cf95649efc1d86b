# genai_tools.py -- chats and functions through Google's SDK for Python.
# SPDX-License-Identifier: MIT
from google.genai import errors, types

from genai_support import TEXT, ask, check_answer, check_chunks, client, config, new_client
from harness import PROMPTS, expect, operation, raises, same, short


def get_weather(city: str) -> dict:
    """Tells the weather in a city."""
    return {"city": city, "celsius": 21}


def get_time(city: str) -> dict:
    """Tells the time in a city."""
    return {"city": city, "time": "12:34"}


WEATHER = types.FunctionDeclaration(
    name="get_weather", description="Tells the weather in a city.",
    parameters={"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]})
TIME = types.FunctionDeclaration(
    name="get_time", description="Tells the time in a city.",
    parameters={"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]})


def tools(*declarations, mode="AUTO", **fields):
    return config(tools=[types.Tool(function_declarations=list(declarations))],
                  tool_config=types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode=mode)),
                  **fields)


def answer_call(call, response):
    return types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response=response))


@operation("chat.turns")
def _():
    chat = client().chats.create(model=TEXT)
    check_answer(chat.send_message(PROMPTS["short"]))
    second = chat.send_message(PROMPTS["plain"])
    check_answer(second)
    same([turn.role for turn in chat.get_history()], ["user", "model", "user", "model"], "the roles of the history")
    expect(second.usage_metadata.prompt_token_count > ask(PROMPTS["plain"]).usage_metadata.prompt_token_count,
           "the first turn does not count in the second prompt")


@operation("chat.stream")
def _():
    chat = client().chats.create(model=TEXT)
    check_answer(chat.send_message(PROMPTS["short"]))
    check_chunks(list(chat.send_message_stream(PROMPTS["plain"])))
    # The SDK keeps a turn for every chunk: the service has to take them back so.
    same([turn.role for turn in chat.get_history()][:4], ["user", "model", "user", "model"], "the roles of the history")
    check_answer(chat.send_message(PROMPTS["short"]))


@operation("tools.call")
def _():
    answer = client().models.generate_content(model=TEXT, contents=PROMPTS["weather"], config=tools(WEATHER))
    same(len(answer.function_calls or []), 1, "the number of calls")
    call = answer.function_calls[0]
    same(call.name, "get_weather", "the function")
    expect(isinstance(call.args.get("city"), str), f"the arguments are {call.args}")
    expect(call.id, "the call has no id")
    same(answer.candidates[0].finish_reason, types.FinishReason.STOP, "the finish reason")
    expect(answer.candidates[0].content.parts[0].thought_signature, "the call has no thought signature")


@operation("tools.round_trip")
def _():
    chat = client().chats.create(model=TEXT, config=tools(WEATHER))
    call = chat.send_message(PROMPTS["weather"]).function_calls[0]
    final = chat.send_message(answer_call(call, {"celsius": 21}))
    check_answer(final)
    expect("21" in final.text, f"the answer does not use the response: {short(final.text)}")


@operation("tools.parallel")
def _():
    chat = client().chats.create(model=TEXT, config=tools(WEATHER, TIME))
    answer = chat.send_message(PROMPTS["two_functions"])
    calls = answer.function_calls or []
    same(sorted(call.name for call in calls), ["get_time", "get_weather"], "the functions")
    expect(len({call.id for call in calls}) == 2, "the ids are not different")
    signed = [bool(part.thought_signature) for part in answer.candidates[0].content.parts if part.function_call]
    same(signed, [True, False], "which calls are signed")
    check_answer(chat.send_message([answer_call(call, {"value": "12:34"}) for call in calls]))


@operation("tools.stream")
def _():
    chat = client().chats.create(model=TEXT, config=tools(WEATHER))
    calls = [call for chunk in chat.send_message_stream(PROMPTS["weather"]) for call in chunk.function_calls or []]
    same([call.name for call in calls], ["get_weather"], "the functions")
    text = "".join(chunk.text or "" for chunk in chat.send_message_stream(answer_call(calls[0], {"celsius": 21})))
    expect("21" in text, f"the answer does not use the response: {short(text)}")


@operation("tools.automatic")
def _():
    chat = client().chats.create(model=TEXT, config=config(tools=[get_weather]))
    final = chat.send_message(PROMPTS["weather"])
    expect(final.text and "21" in final.text, f"the answer does not use the function: {short(final.text)}")
    same(len(chat.get_history()), 4, "the turns of the history")


@operation("tools.automatic_async")
async def _():
    async with new_client().aio as aio:
        chat = aio.chats.create(model=TEXT, config=config(tools=[get_weather]))
        final = await chat.send_message(PROMPTS["weather"])
    expect(final.text and "21" in final.text, f"the answer does not use the function: {short(final.text)}")


@operation("tools.any")
def _():
    answer = client().models.generate_content(model=TEXT, contents="Hum a tune.", config=tools(WEATHER, mode="ANY"))
    same([call.name for call in answer.function_calls or []], ["get_weather"], "the functions")


@operation("tools.none")
def _():
    answer = client().models.generate_content(model=TEXT, contents=PROMPTS["weather"],
                                              config=tools(WEATHER, mode="NONE"))
    same(answer.function_calls, None, "the calls")
    check_answer(answer)


@operation("tools.unsigned")
def _():
    call = types.Part(function_call=types.FunctionCall(id="c1", name="get_weather", args={"city": "Paris"}))
    turns = [types.UserContent(PROMPTS["weather"]), types.ModelContent(call),
             types.UserContent(types.Part.from_function_response(name="get_weather", response={"celsius": 21}))]
    error = raises(errors.ClientError, lambda: client().models.generate_content(
        model=TEXT, contents=turns, config=tools(WEATHER)))
    same((error.code, error.status), (400, "INVALID_ARGUMENT"), "the error")
    expect("thought_signature" in error.message, f"the message is {short(error.message)}")
