// openai.mjs -- the openai SDK for JavaScript: chat.completions.create with stream: true.
// SPDX-License-Identifier: MIT
import OpenAI from 'openai';
import { parsed, run } from './driver.mjs';

function takeChoice({ index = 0, delta, finish_reason: finish }, calls, seen) {
    if (delta?.content) seen.text(delta.content, index);
    for (const { index: place, function: piece } of delta?.tool_calls ?? []) {
        const call = calls[place] ??= { name: '', arguments: '' };
        call.name += piece?.name ?? '';
        call.arguments += piece?.arguments ?? '';
    }
    if (finish) seen.finish.set(index, finish);
}

function connect({ url, key, timeout_s }) {
    const timeout = timeout_s ? { timeout: timeout_s * 1000 } : {};
    return new OpenAI({ apiKey: key, baseURL: `${url}/v1beta/openai/`, ...timeout });
}

async function* ask(client, { model, prompt, candidates }, seen) {
    const calls = [];
    try {
        const chunks = await client.chat.completions.create({
            model, messages: [{ role: 'user', content: prompt }], stream: true,
            stream_options: { include_usage: true }, ...(candidates > 1 ? { n: candidates } : {}),
        });
        for await (const chunk of chunks) {
            seen.usage = chunk.usage?.total_tokens ?? seen.usage;
            for (const choice of chunk.choices ?? []) takeChoice(choice, calls, seen);
            yield;
        }
    } finally {
        seen.calls = calls.map((call) => [call.name, parsed(call.arguments)]);
    }
}

await run(connect, ask);
