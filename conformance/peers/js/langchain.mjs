// langchain.mjs -- LangChain with its provider for Google.
// SPDX-License-Identifier: MIT
import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatGoogleGenerativeAI, GoogleGenerativeAIEmbeddings } from '@langchain/google-genai';
import { z } from 'zod';
import {
    CASES, MODELS, PROMPTS, URL_BASE, expect, faultHeaders, operation, raises, run, same, short,
} from './harness.mjs';

function chat({ key = CASES.key, fault, ...fields } = {}) {
    const customHeaders = faultHeaders(fault);
    return new ChatGoogleGenerativeAI({
        apiKey: key, baseUrl: URL_BASE, model: MODELS.text, maxRetries: 0, customHeaders, ...fields,
    });
}

function checkUsage({ input_tokens, output_tokens, total_tokens }) {
    expect(input_tokens > 0 && output_tokens > 0, `${input_tokens} and ${output_tokens} tokens`);
    expect(total_tokens >= input_tokens + output_tokens, `${total_tokens} tokens in all`);
}

const weather = tool(async () => '21 degrees', {
    name: 'get_weather', description: 'Tells the weather in a city.', schema: z.object({ city: z.string() }),
});

operation('generate.unary', async () => {
    const answer = await chat().invoke(PROMPTS.plain);
    expect(answer.text, 'there is no text');
    checkUsage(answer.usage_metadata);
});

operation('generate.stream', async () => {
    const chunks = [];
    for await (const chunk of await chat().stream(PROMPTS.plain)) chunks.push(chunk);
    expect(chunks.length > 1, `${chunks.length} chunk came, so nothing was streamed`);
    const text = chunks.map((chunk) => chunk.text).join('');
    same(text, (await chat().invoke(PROMPTS.plain)).text, 'the streamed text');
    checkUsage(chunks.reduce((whole, chunk) => whole.concat(chunk)).usage_metadata);
});

operation('generate.system', async () => {
    expect((await chat().invoke([['system', 'Be brief.'], ['human', PROMPTS.plain]])).text, 'there is no text');
});

operation('chat.turns', async () => {
    const turns = [new HumanMessage(PROMPTS.short)];
    turns.push(await chat().invoke(turns), new HumanMessage(PROMPTS.plain));
    expect((await chat().invoke(turns)).text, 'there is no text');
});

operation('json.schema', async () => {
    const schema = z.object({ name: z.string(), minutes: z.number() });
    const recipe = await chat().withStructuredOutput(schema, { method: 'jsonSchema' }).invoke('A recipe for bread');
    schema.parse(recipe);
});

operation('tools.round_trip', async () => {
    const bound = chat().bindTools([weather]);
    const turns = [new HumanMessage(PROMPTS.weather)];
    turns.push(await bound.invoke(turns));
    const [call] = turns[1].tool_calls;
    same(call?.name, 'get_weather', 'the function');
    turns.push(new ToolMessage({ content: '21 degrees', tool_call_id: call.id, name: call.name }));
    const { text } = await bound.invoke(turns);
    expect(text.includes('21'), `the answer does not use the result: ${short(text)}`);
});

operation('embed.one', async () => {
    const model = new GoogleGenerativeAIEmbeddings({ apiKey: CASES.key, baseUrl: URL_BASE, model: MODELS.embedding });
    same((await model.embedQuery('a beaver')).length, 3072, 'the dimensions');
    same((await model.embedDocuments(['a beaver', 'a dam'])).map((one) => one.length), [3072, 3072], 'the dimensions');
});

for (const one of CASES.errors.filter((each) => !each.role)) {
    operation(one.operation, async () => {
        const model = chat({ key: one.key, fault: one.fault, model: MODELS[one.model ?? 'text'] });
        const error = await raises(Error, () => model.invoke(PROMPTS.short));
        same(error.status ?? error.cause?.status, one.code, 'the code');
    });
}

await run('langchain');
