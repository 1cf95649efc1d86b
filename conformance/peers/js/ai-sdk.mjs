// ai-sdk.mjs -- the Vercel AI SDK with its provider for Google.
// SPDX-License-Identifier: MIT
import { createGoogle } from '@ai-sdk/google';
import { APICallError, Output, embed, embedMany, generateText, isStepCount, streamText, tool } from 'ai';
import { z } from 'zod';
import {
    CASES, MODELS, PROMPTS, URL_BASE, expect, faultHeaders, onceKey, operation, raises, run, same, short,
} from './harness.mjs';

function provider({ key = CASES.key, fault } = {}) {
    return createGoogle({ apiKey: key, baseURL: `${URL_BASE}/v1beta`, headers: faultHeaders(fault) });
}

const google = provider();
const model = google(MODELS.text);

function checkUsage({ inputTokens, outputTokens, totalTokens }) {
    expect(inputTokens > 0 && outputTokens > 0, `${inputTokens} and ${outputTokens} tokens`);
    same(totalTokens, inputTokens + outputTokens, 'the total of tokens');
}

const weather = tool({
    description: 'Tells the weather in a city.',
    inputSchema: z.object({ city: z.string() }),
    execute: async () => ({ celsius: 21 }),
});

operation('generate.unary', async () => {
    const { text, finishReason, usage } = await generateText({ model, prompt: PROMPTS.plain });
    expect(text, 'there is no text');
    same(finishReason, 'stop', 'the finish reason');
    checkUsage(usage);
});

operation('generate.stream', async () => {
    const result = streamText({ model, prompt: PROMPTS.plain });
    const pieces = [];
    for await (const piece of result.textStream) pieces.push(piece);
    expect(pieces.length > 1, `${pieces.length} piece came, so nothing was streamed`);
    same(pieces.join(''), (await generateText({ model, prompt: PROMPTS.plain })).text, 'the streamed text');
    same(await result.finishReason, 'stop', 'the finish reason');
    checkUsage(await result.usage);
});

operation('generate.system', async () => {
    const { text } = await generateText({ model, instructions: 'Be brief.', prompt: PROMPTS.plain, seed: 7 });
    expect(text, 'there is no text');
});

operation('generate.max_tokens', async () => {
    const { finishReason } = await generateText({ model, prompt: PROMPTS.plain, maxOutputTokens: 8 });
    same(finishReason, 'length', 'the finish reason');
});

operation('generate.thoughts', async () => {
    const google = { thinkingConfig: { includeThoughts: true, thinkingLevel: 'low' } };
    const result = await generateText({ model, prompt: PROMPTS.plain, providerOptions: { google } });
    expect(result.reasoningText, 'there is no reasoning');
});

operation('generate.unsafe', async () => {
    same((await generateText({ model, prompt: PROMPTS.unsafe })).finishReason, 'content-filter', 'the finish reason');
});

operation('json.schema', async () => {
    const schema = z.object({ name: z.string(), minutes: z.number().int(), steps: z.array(z.string()) });
    const { output } = await generateText({ model, prompt: 'A recipe for bread', output: Output.object({ schema }) });
    schema.parse(output);
});

operation('chat.turns', async () => {
    const messages = [{ role: 'user', content: PROMPTS.short }];
    messages.push(...(await generateText({ model, messages })).response.messages);
    messages.push({ role: 'user', content: PROMPTS.plain });
    expect((await generateText({ model, messages })).text, 'there is no text');
});

operation('tools.call', async () => {
    const { execute, ...declared } = weather;
    const { toolCalls, finishReason } = await generateText({
        model, prompt: PROMPTS.weather, tools: { get_weather: declared },
    });
    same(toolCalls.map((call) => call.toolName), ['get_weather'], 'the functions');
    same(finishReason, 'tool-calls', 'the finish reason');
});

operation('tools.automatic', async () => {
    const { text, steps } = await generateText({
        model, prompt: PROMPTS.weather, tools: { get_weather: weather }, stopWhen: isStepCount(3),
    });
    same(steps.length, 2, 'the number of steps');
    expect(text.includes('21'), `the answer does not use the function: ${short(text)}`);
});

operation('tools.stream', async () => {
    const result = streamText({
        model, prompt: PROMPTS.weather, tools: { get_weather: weather }, stopWhen: isStepCount(3),
    });
    const text = (await result.steps).at(-1).text;
    expect(text.includes('21'), `the answer does not use the function: ${short(text)}`);
});

operation('embed.one', async () => {
    const { embedding } = await embed({ model: google.embedding(MODELS.embedding), value: 'a beaver' });
    same(embedding.length, 3072, 'the dimensions');
});

operation('embed.many', async () => {
    const { embeddings } = await embedMany({
        model: google.embedding(MODELS.embedding), values: ['a beaver', 'a dam'],
        providerOptions: { google: { outputDimensionality: 256 } },
    });
    same(embeddings.map((one) => one.length), [256, 256], 'the dimensions');
});

for (const one of CASES.errors) {
    // This SDK knows no roles but its own.
    if (one.role) continue;
    const settings = () => ({
        model: provider(one)(MODELS[one.model ?? 'text']), prompt: PROMPTS.short, maxRetries: 0,
    });
    const check = (error) => {
        expect(APICallError.isInstance(error), `raised ${error?.constructor.name}: ${short(String(error))}`);
        same([error.statusCode, error.data?.error?.status], [one.code, one.status], 'the error');
        same(error.isRetryable, one.code === 429 || one.code >= 500, 'whether to try again');
    };

    operation(one.operation, async () => check(await raises(Error, () => generateText(settings()))));

    operation(`${one.operation}.stream`, async () => {
        let seen;
        for await (const part of streamText({ ...settings(), onError() {} }).fullStream) {
            if (part.type === 'error') seen = part.error;
        }
        check(seen);
    });
}

operation('error.retried', async () => {
    const shaky = provider({ key: onceKey(), fault: 'retry' })(MODELS.text);
    const { text } = await generateText({ model: shaky, prompt: PROMPTS.short });
    expect(text, 'there is no text');
});

await run('ai-sdk');
