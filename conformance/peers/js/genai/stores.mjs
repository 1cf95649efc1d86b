// stores.mjs -- files, caches and batches through Google's SDK for JavaScript.
// SPDX-License-Identifier: MIT
import { ApiError } from '@google/genai';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MODELS, PROMPTS, SCRATCH, all, expect, operation, raises, same, short, waitFor } from '../harness.mjs';
import { TEXT, ai, ask, checkAnswer } from './support.mjs';

function upload(bytes, mimeType = 'text/plain', config = {}) {
    return ai.files.upload({ file: new Blob([bytes]), config: { mimeType, ...config } });
}

operation('files.upload', async () => {
    const file = await upload('Beavers build dams.', 'text/plain', { displayName: 'beavers.txt' });
    same([file.mimeType, file.sizeBytes, file.displayName], ['text/plain', '19', 'beavers.txt'], 'the file');
    same(file.state, 'ACTIVE', 'the state');
    expect(file.uri.endsWith(`/${file.name}`), `the uri is ${file.uri}`);
    expect(file.expirationTime && file.createTime && file.sha256Hash, 'times or hash are missing');
});

operation('files.upload_chunks', async () => {
    const path = join(SCRATCH, 'large-js.bin');
    await writeFile(path, Buffer.alloc(17 << 20, 'beaver')); // two chunks of 8 MiB and a third
    const file = await ai.files.upload({ file: path, config: { mimeType: 'application/octet-stream' } });
    same(file.sizeBytes, String(17 << 20), 'the size');
});

operation('files.get', async () => {
    const file = await upload('one');
    same({ ...(await ai.files.get({ name: file.name })) }, { ...file }, 'the file');
});

operation('files.list', async () => {
    const names = [];
    for (let i = 0; i < 3; i++) names.push((await upload('listed')).name);
    const pager = await ai.files.list({ config: { pageSize: 2 } });
    same(pager.page.length, 2, 'the size of a page');
    const listed = new Set((await all(pager)).map((file) => file.name));
    same(names.filter((name) => !listed.has(name)), [], 'what is not listed');
});

operation('files.delete', async () => {
    const { name } = await upload('gone');
    await ai.files.delete({ name });
    same((await raises(ApiError, () => ai.files.get({ name }))).status, 403, 'the code');
});

operation('files.wait_active', async () => {
    const { name, uri, mimeType, state } = await upload(Buffer.alloc(4096), 'video/mp4');
    same(state, 'PROCESSING', 'the state after the upload');
    const early = () => ask([{ fileData: { fileUri: uri, mimeType } }, 'What happens here?']);
    const error = await raises(ApiError, early);
    same(error.status, 400, 'the code of the use before');
    const file = await waitFor(() => ai.files.get({ name }), (one) => one.state !== 'PROCESSING', 'the state');
    same(file.state, 'ACTIVE', 'the state in the end');
});

operation('files.use', async () => {
    const { uri, mimeType } = await upload('Beavers build dams. '.repeat(500));
    const answer = await ask([{ fileData: { fileUri: uri, mimeType } }, 'Say hello']);
    checkAnswer(answer);
    const bare = (await ask('Say hello')).usageMetadata.promptTokenCount;
    expect(answer.usageMetadata.promptTokenCount > bare, "the file's tokens are not counted");
});

// ---- Caches ----

function makeCache(config = {}) {
    const contents = 'A beaver builds a dam of wood, mud and stone. '.repeat(1200); // a cache has a minimum size
    return ai.caches.create({ model: TEXT, config: { contents, ttl: '300s', ...config } });
}

operation('caches.create', async () => {
    const cache = await makeCache({ displayName: 'dams', systemInstruction: 'Be brief.' });
    same([cache.model, cache.displayName], [`models/${TEXT}`, 'dams'], 'the cache');
    expect(cache.name.startsWith('cachedContents/'), `the name is ${cache.name}`);
    expect(cache.usageMetadata.totalTokenCount >= 4096, 'its tokens are not counted');
    same(Math.round((new Date(cache.expireTime) - new Date(cache.createTime)) / 1000), 300, 'the life in seconds');
});

operation('caches.small', async () => {
    same((await raises(ApiError, () => makeCache({ contents: 'too small' }))).status, 400, 'the code');
});

operation('caches.get', async () => {
    const cache = await makeCache();
    same((await ai.caches.get({ name: cache.name })).expireTime, cache.expireTime, 'the end of its life');
});

operation('caches.list', async () => {
    const { name } = await makeCache();
    const names = (await all(await ai.caches.list({ config: { pageSize: 1 } }))).map((cache) => cache.name);
    expect(names.includes(name), `${name} is not listed`);
});

operation('caches.update', async () => {
    const { name, expireTime } = await makeCache();
    const later = await ai.caches.update({ name, config: { ttl: '7200s' } });
    expect(new Date(later.expireTime) - new Date(expireTime) > 6000e3, 'it does not live longer');
});

operation('caches.use', async () => {
    const { name, usageMetadata } = await makeCache();
    const answer = await ask(PROMPTS.short, { cachedContent: name });
    checkAnswer(answer);
    same(answer.usageMetadata.cachedContentTokenCount, usageMetadata.totalTokenCount, 'the cached tokens');
    expect(answer.usageMetadata.promptTokenCount > usageMetadata.totalTokenCount, 'the prompt is without the cache');
    const error = await raises(ApiError, () => ask('Hi', { cachedContent: name, systemInstruction: 'Be brief.' }));
    same(error.status, 400, 'the code of the use with a system instruction');
});

operation('caches.delete', async () => {
    const { name } = await makeCache();
    await ai.caches.delete({ name });
    const { status } = await raises(ApiError, () => ai.caches.get({ name }));
    expect(status === 403 || status === 404, `the code is ${status}`);
});

// ---- Batches ----

function question(text, role = 'user') {
    return { contents: [{ role, parts: [{ text }] }] };
}

function inlineBatch(...prompts) {
    const src = prompts.map((prompt) => question(prompt));
    return ai.batches.create({ model: TEXT, src, config: { displayName: 'peers' } });
}

function finish({ name }) {
    const open = ['JOB_STATE_PENDING', 'JOB_STATE_RUNNING'];
    return waitFor(() => ai.batches.get({ name }), (job) => !open.includes(job.state), 'the batch', 25);
}

operation('batches.inline', async () => {
    const born = await inlineBatch(PROMPTS.short, PROMPTS.plain);
    expect(born.name.startsWith('batches/'), `the name is ${born.name}`);
    expect(['JOB_STATE_PENDING', 'JOB_STATE_RUNNING'].includes(born.state), `born ${born.state}`);
    const job = await finish(born);
    same(job.state, 'JOB_STATE_SUCCEEDED', 'the state');
    const texts = job.dest.inlinedResponses.map((row) => row.response.candidates[0].content.parts[0].text);
    same(texts, [(await ask(PROMPTS.short)).text, (await ask(PROMPTS.plain)).text], 'the answers');
});

operation('batches.file', async () => {
    const lines = ['r1', 'r2'].map((key) => JSON.stringify({ key, request: question(PROMPTS.short) }) + '\n');
    const file = await upload(lines.join(''), 'application/jsonl');
    const job = await finish(await ai.batches.create({ model: TEXT, src: file.name }));
    same(job.state, 'JOB_STATE_SUCCEEDED', 'the state');
    const downloadPath = join(SCRATCH, 'batch-js.jsonl');
    await ai.files.download({ file: job.dest.fileName, downloadPath });
    const rows = (await readFile(downloadPath, 'utf8')).trim().split('\n').map((line) => JSON.parse(line));
    same(rows.map((row) => row.key).sort(), ['r1', 'r2'], 'the keys of the result');
    expect(rows[0].response.candidates[0].content.parts[0].text, 'a row has no text');
});

operation('batches.row_error', async () => {
    const job = await ai.batches.create({ model: TEXT, src: [question('?', 'robot'), question(PROMPTS.short)] });
    const [bad, good] = (await finish(job)).dest.inlinedResponses;
    expect(bad.error?.code, `the first row is ${short(bad)}`);
    expect(good.response?.candidates, `the second row is ${short(good)}`);
});

operation('batches.list', async () => {
    const { name } = await inlineBatch(PROMPTS.short);
    const names = (await all(await ai.batches.list({ config: { pageSize: 2 } }))).map((job) => job.name);
    expect(names.includes(name), `${name} is not listed`);
});

operation('batches.cancel', async () => {
    const job = await inlineBatch(...Array(20).fill(PROMPTS.plain));
    await ai.batches.cancel({ name: job.name });
    same((await finish(job)).state, 'JOB_STATE_CANCELLED', 'the state');
});

operation('batches.delete', async () => {
    const { name } = await finish(await inlineBatch(PROMPTS.short));
    await ai.batches.delete({ name });
    same((await raises(ApiError, () => ai.batches.get({ name }))).status, 404, 'the code');
});

operation('batches.embed', async () => {
    const inlinedRequests = { contents: ['a beaver', 'a dam'], config: { outputDimensionality: 128 } };
    const job = await finish(await ai.batches.createEmbeddings({ model: MODELS.embedding, src: { inlinedRequests } }));
    same(job.state, 'JOB_STATE_SUCCEEDED', 'the state');
    const sizes = job.dest.inlinedEmbedContentResponses.map((row) => row.response.embedding.values.length);
    same(sizes, [128, 128], 'the dimensions');
});
