# genai_generate.py -- generateContent, countTokens, embeddings and models through Google's SDK for Python.
# SPDX-License-Identifier: MIT
import json

from google.genai import types

from genai_support import TEXT, ask, check_answer, check_chunks, check_usage, client, config, new_client
from harness import MODELS, PROMPTS, expect, operation, same, short


# ---- generateContent, whole and streamed ----


@operation("generate.unary")
def _():
    check_answer(ask(PROMPTS["plain"]))


@operation("generate.stream")
def _():
    chunks = list(client().models.generate_content_stream(model=TEXT, contents=PROMPTS["plain"]))
    same(check_chunks(chunks), ask(PROMPTS["plain"]).text, "the streamed text")


@operation("generate.async")
async def _():
    async with new_client().aio as aio:
        check_answer(await aio.models.generate_content(model=TEXT, contents=PROMPTS["plain"]))


@operation("generate.async_stream")
async def _():
    async with new_client().aio as aio:
        stream = await aio.models.generate_content_stream(model=TEXT, contents=PROMPTS["plain"])
        text = check_chunks([chunk async for chunk in stream])
    same(text, ask(PROMPTS["plain"]).text, "the streamed text")


@operation("generate.abandoned")
def _():
    api = client()
    for chunk in api.models.generate_content_stream(model=TEXT, contents=PROMPTS["plain"]):
        expect(chunk.candidates, "the first chunk is empty")
        break
    check_answer(api.models.generate_content(model=TEXT, contents=PROMPTS["short"]))


@operation("generate.versions")
def _():
    for version in ("v1", "v1beta", "v1alpha"):
        answer = client(api_version=version).models.generate_content(model="models/" + TEXT, contents=PROMPTS["short"])
        check_answer(answer)


@operation("generate.system")
def _():
    check_answer(ask(PROMPTS["plain"], system_instruction="Be brief.", temperature=0.2, top_p=0.9, seed=7,
                     safety_settings=[types.SafetySetting(category="HARM_CATEGORY_HARASSMENT",
                                                          threshold="BLOCK_ONLY_HIGH")]))


@operation("generate.image")
def _():
    pixel = types.Part.from_bytes(data=b"\x89PNG\r\n\x1a\n" + bytes(64), mime_type="image/png")
    answer = ask([PROMPTS["short"], pixel])
    check_answer(answer)
    kinds = {detail.modality.value for detail in answer.usage_metadata.prompt_tokens_details or []}
    expect("IMAGE" in kinds, f"the prompt's tokens are of {kinds}, not of an image too")


@operation("generate.max_tokens")
def _():
    answer = ask(PROMPTS["plain"], max_output_tokens=8, thinking_config=types.ThinkingConfig(thinking_budget=0),
                 model=MODELS["budget"])
    same(answer.candidates[0].finish_reason, types.FinishReason.MAX_TOKENS, "the finish reason")
    same(answer.usage_metadata.candidates_token_count, 8, "the tokens of the candidate")
    check_usage(answer.usage_metadata)


@operation("generate.stop_sequence")
def _():
    word = ask(PROMPTS["plain"]).text.split()[4]
    answer = ask(PROMPTS["plain"], stop_sequences=[word])
    check_answer(answer)
    expect(word not in answer.text, f"the stop sequence {word!r} is in the text")


@operation("generate.candidates")
def _():
    answer = ask(PROMPTS["plain"], model=MODELS["budget"], candidate_count=2)
    same([one.index or 0 for one in answer.candidates], [0, 1], "the candidates")
    first, second = (one.content.parts[0].text for one in answer.candidates)
    expect(first and second and first != second, "the two candidates are not two answers")


@operation("generate.thoughts")
def _():
    chunks = list(client().models.generate_content_stream(
        model=TEXT, contents=PROMPTS["plain"],
        config=config(thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_level="LOW"))))
    parts = [p for c in chunks for one in c.candidates or [] if one.content for p in one.content.parts or []]
    expect(any(part.thought and part.text for part in parts), "no part is a thought")
    expect(any(part.thought_signature for part in parts), "no part has a thought signature")
    expect(chunks[-1].usage_metadata.thoughts_token_count > 0, "no tokens of thoughts are counted")
    check_chunks(chunks)


@operation("generate.thinking_off")
def _():
    answer = ask(PROMPTS["plain"], model=MODELS["budget"], thinking_config=types.ThinkingConfig(thinking_budget=0))
    check_answer(answer)
    expect(not answer.usage_metadata.thoughts_token_count, "there are thoughts with a budget of 0")


@operation("generate.blocked")
def _():
    answer = ask(PROMPTS["blocked"])
    expect(not answer.candidates, "there are candidates")
    expect(answer.prompt_feedback and answer.prompt_feedback.block_reason, "no block reason")
    check_usage(answer.usage_metadata)


@operation("generate.unsafe")
def _():
    answer = ask(PROMPTS["unsafe"])
    same(answer.candidates[0].finish_reason, types.FinishReason.SAFETY, "the finish reason")
    expect(answer.candidates[0].safety_ratings, "no safety ratings")


@operation("generate.recitation")
def _():
    same(ask(PROMPTS["recited"]).candidates[0].finish_reason, types.FinishReason.RECITATION, "the finish reason")


@operation("generate.long_decode")
def _():
    chunks = list(client().models.generate_content_stream(
        model=MODELS["long"], contents=PROMPTS["long"], config=config(max_output_tokens=100000)))
    same(chunks[-1].candidates[0].finish_reason, types.FinishReason.STOP, "the last finish reason")
    tokens = chunks[-1].usage_metadata.candidates_token_count
    expect(tokens > 65536, f"{tokens} tokens fit into one request, so nothing was continued")


@operation("count.tokens")
def _():
    short_count = client().models.count_tokens(model=TEXT, contents="Say hello").total_tokens
    long_count = client().models.count_tokens(model=TEXT, contents="Say hello " * 100).total_tokens
    expect(0 < short_count < long_count, f"{short_count} and {long_count} tokens")
    answer = ask("Say hello " * 100)
    same(answer.usage_metadata.prompt_token_count, long_count, "the prompt's tokens")


# ---- JSON ----

RECIPE = {
    "type": "OBJECT",
    "properties": {"name": {"type": "STRING"}, "minutes": {"type": "INTEGER"},
                   "steps": {"type": "ARRAY", "items": {"type": "STRING"}, "minItems": "1"},
                   "level": {"type": "STRING", "enum": ["easy", "hard"]}},
    "required": ["name", "minutes", "steps", "level"],
}


def check_recipe(recipe):
    same(sorted(recipe), ["level", "minutes", "name", "steps"], "the fields")
    expect(isinstance(recipe["minutes"], int) and isinstance(recipe["name"], str), f"the types of {short(recipe)}")
    expect(recipe["steps"] and all(isinstance(step, str) for step in recipe["steps"]), f"the steps of {short(recipe)}")
    expect(recipe["level"] in ("easy", "hard"), f"the level of {short(recipe)}")


@operation("json.schema")
def _():
    answer = ask("A recipe for bread", response_mime_type="application/json", response_schema=RECIPE)
    check_recipe(json.loads(answer.text))


@operation("json.json_schema")
def _():
    from pydantic import BaseModel

    class Place(BaseModel):
        city: str
        people: int
        near: list[str]

    answer = ask("Describe Paris", response_mime_type="application/json",
                 response_json_schema=Place.model_json_schema())
    Place.model_validate_json(answer.text)
    typed = ask("Describe Paris", response_mime_type="application/json", response_schema=Place)
    expect(isinstance(typed.parsed, Place), f"parsed is {short(typed.parsed)}")


@operation("json.enum")
def _():
    answer = ask("Is bread hard to make?", response_mime_type="text/x.enum",
                 response_schema={"type": "STRING", "enum": ["easy", "hard"]})
    expect(answer.text in ("easy", "hard"), f"the answer is {short(answer.text)}")


@operation("json.stream")
def _():
    chunks = client().models.generate_content_stream(
        model=TEXT, contents="A recipe for bread",
        config=config(response_mime_type="application/json", response_schema=RECIPE))
    check_recipe(json.loads("".join(chunk.text or "" for chunk in chunks)))


# ---- Embeddings and models ----


@operation("embed.one")
def _():
    one = client().models.embed_content(model=MODELS["embedding"], contents="a beaver")
    same([len(e.values) for e in one.embeddings], [3072], "the dimensions")
    again = client().models.embed_content(model=MODELS["embedding"], contents="a beaver")
    same(one.embeddings[0].values, again.embeddings[0].values, "the second embedding of the same text")


@operation("embed.many")
def _():
    many = client().models.embed_content(
        model=MODELS["embedding"], contents=["a beaver", "a dam", "a beaver"],
        config=types.EmbedContentConfig(output_dimensionality=256, task_type="RETRIEVAL_DOCUMENT"))
    values = [e.values for e in many.embeddings]
    same([len(v) for v in values], [256, 256, 256], "the dimensions")
    expect(values[0] == values[2] != values[1], "equal texts have unequal embeddings, or unequal ones equal ones")


@operation("models.list")
def _():
    models = list(client().models.list())
    expect(any(model.name == "models/" + TEXT for model in models), f"{TEXT} is not among {len(models)} models")
    expect(all(model.name.startswith("models/") for model in models), "a name does not start with models/")


@operation("models.paging")
def _():
    whole = [model.name for model in client().models.list()]
    pager = client().models.list(config={"page_size": 2})
    same(len(pager.page), 2, "the size of a page")
    same([model.name for model in pager], whole, "the models page by page")


@operation("models.get")
def _():
    model = client().models.get(model=TEXT)
    same(model.name, "models/" + TEXT, "the name")
    expect(model.input_token_limit > 100000 and model.output_token_limit >= 8192, "the limits are missing")
    expect("generateContent" in model.supported_actions, f"the actions are {model.supported_actions}")
