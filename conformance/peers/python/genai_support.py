# genai_support.py -- what the operations of Google's SDK for Python share: clients, questions and checks.
# SPDX-License-Identifier: MIT
import functools

from google import genai
from google.genai import types

from harness import CASES, MODELS, URL, expect, same, short

TEXT = MODELS["text"]


def new_client(key=CASES["key"], fault=None, **options):
    headers = {CASES["faultHeader"]: CASES["faults"].get(fault, fault)} if fault else None
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=URL, headers=headers, **options))


@functools.cache  # a client that is forgotten closes its connections, under an answer still being read too
def client(**options):
    return new_client(**options)


def config(**fields):
    return types.GenerateContentConfig(**fields)


def ask(prompt, model=TEXT, **fields):
    return client().models.generate_content(model=model, contents=prompt, config=config(**fields))


def check_usage(usage):
    parts = (usage.prompt_token_count, usage.candidates_token_count, usage.thoughts_token_count,
             usage.tool_use_prompt_token_count)
    expect(usage.prompt_token_count and usage.prompt_token_count > 0, f"prompt tokens are {usage.prompt_token_count}")
    same(usage.total_token_count, sum(n or 0 for n in parts), "the total of tokens")


def check_answer(answer, reason=types.FinishReason.STOP):
    expect(answer.text, f"no text: {short(answer)}")
    same(answer.candidates[0].finish_reason, reason, "the finish reason")
    check_usage(answer.usage_metadata)
    expect(answer.model_version and answer.response_id, "no model version or no response id")


def check_chunks(chunks):
    """What holds for every stream; gives the text."""
    expect(len(chunks) > 1, f"{len(chunks)} chunk came, so nothing was streamed")
    same(len({chunk.response_id for chunk in chunks}), 1, "the number of response ids")
    check_usage(chunks[-1].usage_metadata)
    totals = [chunk.usage_metadata.total_token_count for chunk in chunks if chunk.usage_metadata]
    same(totals, sorted(totals), "the cumulative totals")
    reasons = [chunk.candidates[0].finish_reason for chunk in chunks if chunk.candidates]
    same(reasons[-1], types.FinishReason.STOP, "the last finish reason")
    same([reason for reason in reasons[:-1] if reason], [], "the earlier finish reasons")
    return "".join(chunk.text or "" for chunk in chunks)
