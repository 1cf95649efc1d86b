// genai.mjs -- Google's SDK for JavaScript: generateContentStream.
// SPDX-License-Identifier: MIT
import { GoogleGenAI } from '@google/genai';
import { run } from './driver.mjs';

const city = { type: 'object', properties: { city: { type: 'string' } } };
const functionDeclarations = ['get_weather', 'get_time'].map((name) => (
    { name, description: name, parametersJsonSchema: city }));

function takePart(part, candidate, seen) {
    if (part.thoughtSignature) seen.signatures.push(part.thoughtSignature);
    if (part.functionCall) seen.calls.push([part.functionCall.name, part.functionCall.args ?? {}]);
    else if (part.text !== undefined && part.thought) seen.thought += part.text;
    else if (part.text !== undefined) seen.text(part.text, candidate);
}

function connect({ url, key, timeout_s }) {
    const timeout = timeout_s ? { timeout: timeout_s * 1000 } : {};
    return new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url, ...timeout } });
}

async function* ask(ai, { model, prompt, tools, candidates }, seen) {
    const config = {};
    if (tools) config.tools = [{ functionDeclarations }];
    if (candidates > 1) config.candidateCount = candidates;
    for await (const chunk of await ai.models.generateContentStream({ model, contents: prompt, config })) {
        seen.block = chunk.promptFeedback?.blockReason ?? seen.block;
        seen.usage = chunk.usageMetadata?.totalTokenCount ?? seen.usage;
        for (const candidate of chunk.candidates ?? []) {
            const index = candidate.index ?? 0;
            for (const part of candidate.content?.parts ?? []) takePart(part, index, seen);
            if (candidate.finishReason) seen.finish.set(index, candidate.finishReason);
        }
        yield;
    }
}

await run(connect, ask);
