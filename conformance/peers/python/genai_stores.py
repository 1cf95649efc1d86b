# genai_stores.py -- files, caches and batches through Google's SDK for Python.
# SPDX-License-Identifier: MIT
import io
import itertools
import json

from google.genai import errors, types

from genai_support import TEXT, ask, check_answer, client, new_client
from harness import MODELS, PROMPTS, SCRATCH, expect, operation, raises, same, short, wait_for

MANY_TOKENS = "A beaver builds a dam of wood, mud and stone. " * 1200  # a cache has a minimum size


# ---- Files ----


def upload(data, mime="text/plain", **fields):
    return client().files.upload(file=io.BytesIO(data), config={"mime_type": mime, **fields})


@operation("files.upload")
def _():
    file = upload(b"Beavers build dams.", display_name="beavers.txt")
    same((file.mime_type, file.size_bytes, file.display_name), ("text/plain", 19, "beavers.txt"), "the file")
    same(file.state, types.FileState.ACTIVE, "the state")
    expect(file.uri.endswith("/" + file.name), f"the uri is {file.uri}")
    expect(file.expiration_time and file.create_time and file.sha256_hash, "times or hash are missing")


@operation("files.upload_chunks")
def _():
    path = SCRATCH / "large.bin"
    path.write_bytes(bytes(range(256)) * (17 * 4096))  # 17 MiB: two chunks of 8 MiB and a third
    file = client().files.upload(file=str(path), config={"mime_type": "application/octet-stream"})
    same(file.size_bytes, 17 << 20, "the size")


@operation("files.upload_async")
async def _():
    async with new_client().aio as aio:
        file = await aio.files.upload(file=io.BytesIO(b"x" * (9 << 20)), config={"mime_type": "text/plain"})
    same(file.size_bytes, 9 << 20, "the size")


@operation("files.get")
def _():
    file = upload(b"one")
    same(client().files.get(name=file.name).model_dump(), file.model_dump(), "the file")


@operation("files.list")
def _():
    names = {upload(b"listed").name for _ in range(3)}
    pager = client().files.list(config={"page_size": 2})
    same(len(pager.page), 2, "the size of a page")
    missing = names - {file.name for file in pager}
    expect(not missing, f"not listed: {missing}")


@operation("files.delete")
def _():
    file = upload(b"gone")
    client().files.delete(name=file.name)
    error = raises(errors.ClientError, lambda: client().files.get(name=file.name))
    same((error.code, error.status), (403, "PERMISSION_DENIED"), "the error")


@operation("files.wait_active")
def _():
    file = upload(bytes(4096), mime="video/mp4")
    same(file.state, types.FileState.PROCESSING, "the state after the upload")
    part = types.Part.from_uri(file_uri=file.uri, mime_type=file.mime_type)
    error = raises(errors.ClientError, lambda: ask([part, "What happens here?"]))
    same((error.code, error.status), (400, "FAILED_PRECONDITION"), "the error of the use before")
    file = wait_for(lambda: client().files.get(name=file.name), lambda now: now.state != types.FileState.PROCESSING,
                    "the state")
    same(file.state, types.FileState.ACTIVE, "the state in the end")


@operation("files.use")
def _():
    file = upload(b"Beavers build dams. " * 500)
    answer = ask([file, "Say hello"])
    check_answer(answer)
    bare = ask("Say hello").usage_metadata.prompt_token_count
    expect(answer.usage_metadata.prompt_token_count > bare, "the file's tokens are not counted")

# ---- Caches ----


def make_cache(**fields):
    return client().caches.create(model=TEXT, config={"contents": MANY_TOKENS, "ttl": "300s", **fields})


@operation("caches.create")
def _():
    cache = make_cache(display_name="dams", system_instruction="Be brief.")
    same((cache.model, cache.display_name), ("models/" + TEXT, "dams"), "the cache")
    expect(cache.name.startswith("cachedContents/"), f"the name is {cache.name}")
    expect(cache.usage_metadata.total_token_count >= 4096, "its tokens are not counted")
    same(round((cache.expire_time - cache.create_time).total_seconds()), 300, "the life in seconds")


@operation("caches.small")
def _():
    error = raises(errors.ClientError, lambda: make_cache(contents="too small"))
    same((error.code, error.status), (400, "INVALID_ARGUMENT"), "the error")


@operation("caches.get")
def _():
    cache = make_cache()
    same(client().caches.get(name=cache.name).expire_time, cache.expire_time, "the end of its life")


@operation("caches.list")
def _():
    name = make_cache().name
    expect(name in [cache.name for cache in client().caches.list(config={"page_size": 1})], f"{name} is not listed")


@operation("caches.update")
def _():
    cache = make_cache()
    later = client().caches.update(name=cache.name, config={"ttl": "7200s"})
    expect((later.expire_time - cache.expire_time).total_seconds() > 6000, "it does not live longer")


@operation("caches.use")
def _():
    cache = make_cache()
    answer = ask(PROMPTS["short"], cached_content=cache.name)
    check_answer(answer)
    same(answer.usage_metadata.cached_content_token_count, cache.usage_metadata.total_token_count, "the cached tokens")
    expect(answer.usage_metadata.prompt_token_count > cache.usage_metadata.total_token_count,
           "the prompt does not include the cached tokens")
    error = raises(errors.ClientError, lambda: ask("Hi", cached_content=cache.name, system_instruction="Be brief."))
    same(error.code, 400, "the code of the use with a system instruction")


@operation("caches.delete")
def _():
    cache = make_cache()
    client().caches.delete(name=cache.name)
    error = raises(errors.ClientError, lambda: client().caches.get(name=cache.name))
    expect(error.code in (403, 404), f"the code is {error.code}")

# ---- Batches ----


def inline_batch(*prompts):
    requests = [{"contents": [{"role": "user", "parts": [{"text": prompt}]}]} for prompt in prompts]
    return client().batches.create(model=TEXT, src=requests, config={"display_name": "peers"})


def finish(job):
    busy = (types.JobState.JOB_STATE_PENDING, types.JobState.JOB_STATE_RUNNING)
    return wait_for(lambda: client().batches.get(name=job.name), lambda now: now.state not in busy, "the batch", 25)


@operation("batches.inline")
def _():
    job = inline_batch(PROMPTS["short"], PROMPTS["plain"])
    expect(job.name.startswith("batches/"), f"the name is {job.name}")
    expect(job.state in (types.JobState.JOB_STATE_PENDING, types.JobState.JOB_STATE_RUNNING), f"born {job.state}")
    job = finish(job)
    same(job.state, types.JobState.JOB_STATE_SUCCEEDED, "the state")
    texts = [row.response.text for row in job.dest.inlined_responses]
    same(texts, [ask(PROMPTS["short"]).text, ask(PROMPTS["plain"]).text], "the answers")


@operation("batches.file")
def _():
    row = {"contents": [{"role": "user", "parts": [{"text": PROMPTS["short"]}]}]}
    lines = "".join(json.dumps({"key": key, "request": row}) + "\n" for key in ("r1", "r2"))
    file = upload(lines.encode(), mime="application/jsonl")
    job = finish(client().batches.create(model=TEXT, src=file.name))
    same(job.state, types.JobState.JOB_STATE_SUCCEEDED, "the state")
    rows = [json.loads(line) for line in client().files.download(file=job.dest.file_name).decode().splitlines()]
    same(sorted(row["key"] for row in rows), ["r1", "r2"], "the keys of the result")
    expect(rows[0]["response"]["candidates"][0]["content"]["parts"][0]["text"], "a row has no text")


@operation("batches.row_error")
def _():
    bad = {"contents": [{"role": "robot", "parts": [{"text": "?"}]}]}
    job = client().batches.create(model=TEXT, src=[bad, {"contents": [{"parts": [{"text": PROMPTS["short"]}]}]}])
    rows = finish(job).dest.inlined_responses
    expect(rows[0].error and rows[0].error.code, f"the first row is {short(rows[0])}")
    expect(rows[1].response and rows[1].response.text, f"the second row is {short(rows[1])}")


@operation("batches.list")
def _():
    name = inline_batch(PROMPTS["short"]).name
    listed = [job.name for job in itertools.islice(client().batches.list(config={"page_size": 2}), 100)]
    expect(name in listed, f"{name} is not listed")


@operation("batches.cancel")
def _():
    job = inline_batch(*[PROMPTS["plain"]] * 20)
    client().batches.cancel(name=job.name)
    same(finish(job).state, types.JobState.JOB_STATE_CANCELLED, "the state")


@operation("batches.delete")
def _():
    job = finish(inline_batch(PROMPTS["short"]))
    client().batches.delete(name=job.name)
    error = raises(errors.ClientError, lambda: client().batches.get(name=job.name))
    same(error.code, 404, "the code")


@operation("batches.embed")
def _():
    job = client().batches.create_embeddings(
        model=MODELS["embedding"],
        src={"inlined_requests": {"contents": ["a beaver", "a dam"], "config": {"output_dimensionality": 128}}})
    job = finish(job)
    same(job.state, types.JobState.JOB_STATE_SUCCEEDED, "the state")
    rows = job.dest.inlined_embed_content_responses
    same([len(row.response.embedding.values) for row in rows], [128, 128], "the dimensions")
