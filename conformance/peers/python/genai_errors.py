# genai_errors.py -- the errors that Google's SDK for Python raises.
# SPDX-License-Identifier: MIT
import functools

from google import genai
from google.genai import errors, types

from genai_support import TEXT, check_answer, client, new_client
from harness import CASES, LIMITED_URL, MODELS, PROMPTS, URL, expect, once_key, operation, raises, same, short


def provoke(case, send):
    """The call that must fail as the case says. `send` takes a client, a model and contents."""
    api = client(key=case.get("key", CASES["key"]), fault=case.get("fault"))
    role = case.get("role", "user")
    contents = [types.Content(role=role, parts=[types.Part(text=PROMPTS["short"])])]
    kind = errors.ServerError if case["code"] >= 500 else errors.ClientError
    error = raises(kind, lambda: send(api, MODELS[case.get("model", "text")], contents))
    same((error.code, error.status), (case["code"], case["status"]), "the error")
    expect(error.message, "the error has no message")
    return error


def register_errors():
    for case in CASES["errors"]:

        @operation(case["operation"])
        def _(case=case):
            error = provoke(case, lambda api, model, contents: api.models.generate_content(
                model=model, contents=contents))
            if case["code"] == 429:
                kinds = [detail["@type"].rsplit(".", 1)[-1] for detail in error.details["error"]["details"]]
                expect("QuotaFailure" in kinds and "RetryInfo" in kinds, f"the details are {kinds}")

        @operation(case["operation"] + ".stream")
        def _(case=case):
            provoke(case, lambda api, model, contents: list(api.models.generate_content_stream(
                model=model, contents=contents)))


register_errors()


if LIMITED_URL:

    @operation("error.quota")
    def _():
        api = genai.Client(api_key="quota-python", http_options=types.HttpOptions(base_url=LIMITED_URL))
        check_answer(api.models.generate_content(model=TEXT, contents=PROMPTS["short"]))
        error = raises(errors.ClientError, lambda: api.models.generate_content(model=TEXT, contents=PROMPTS["short"]))
        same((error.code, error.status), (429, "RESOURCE_EXHAUSTED"), "the error")
        details = {detail["@type"].rsplit(".", 1)[-1]: detail for detail in error.details["error"]["details"]}
        expect("RequestsPerMinute" in details["QuotaFailure"]["violations"][0]["quotaId"], short(details))
        expect(0 < float(details["RetryInfo"]["retryDelay"].rstrip("s")) <= 60, f"the details are {details}")


@operation("error.no_key")
def _():
    api = genai.Client(api_key="unused", http_options=types.HttpOptions(
        base_url=URL, headers={"x-goog-api-key": ""}))
    error = raises(errors.ClientError, lambda: api.models.generate_content(model=TEXT, contents="Hi"))
    same((error.code, error.status), (403, "PERMISSION_DENIED"), "the error")


@operation("error.field")
def _():
    api = new_client(extra_body={"foo": 1})
    error = raises(errors.ClientError, lambda: api.models.generate_content(model=TEXT, contents="Hi"))
    same((error.code, error.status), (400, "INVALID_ARGUMENT"), "the error")
    expect('Unknown name "foo"' in error.message, f"the message is {short(error.message)}")


@operation("error.async")
async def _():
    async with new_client(key="bad-key").aio as aio:
        try:
            await aio.models.generate_content(model=TEXT, contents="Hi")
        except errors.ClientError as error:
            same((error.code, error.status), (400, "INVALID_ARGUMENT"), "the error")
            return
    raise AssertionError("raised nothing")


def break_off(form):
    seen = []

    def read():
        for chunk in client(fault=form).models.generate_content_stream(model=TEXT, contents=PROMPTS["plain"]):
            seen.append(chunk)

    error = raises(errors.APIError, read)
    expect(seen, "nothing came before the error")
    same((error.code, error.status), (503, "UNAVAILABLE"), "the error")


for form in ("event", "indented", "line"):
    operation("error.mid_stream." + form)(functools.partial(break_off, form))


@operation("error.retried")
def _():
    patience = types.HttpRetryOptions(attempts=3, initial_delay=0.05, jitter=0)
    api = new_client(key=once_key(), fault="retry", retry_options=patience)
    check_answer(api.models.generate_content(model=TEXT, contents=PROMPTS["short"]))
