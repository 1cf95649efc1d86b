// openai.mjs -- the openai SDK for JavaScript against pollux's OpenAI surface.
// SPDX-License-Identifier: MIT
import OpenAI, * as sdk from 'openai';
import {
    CASES, LIMITED_URL, MODELS, PROMPTS, URL_BASE, all, expect, faultHeaders, onceKey, operation, raises, run, same,
    short,
} from './harness.mjs';

const TEXT = MODELS.text;

function client({ key = CASES.key, fault, ...options } = {}) {
    const baseURL = `${URL_BASE}/v1beta/openai/`;
    return new OpenAI({ apiKey: key, baseURL, defaultHeaders: faultHeaders(fault), maxRetries: 0, ...options });
}

const ai = client();

function chat(content, fields = {}, api = ai) {
    const messages = Array.isArray(content) ? content : [{ role: 'user', content }];
    return api.chat.completions.create({ model: TEXT, messages, ...fields });
}

/** Google's total has the thinking in it, though no other count does. */
function checkUsage({ prompt_tokens: prompt, completion_tokens: completion, total_tokens: total }) {
    const isPlausible = prompt > 0 && completion > 0 && total >= prompt + completion;
    expect(isPlausible, `${prompt} + ${completion} of ${total} tokens`);
}

function checkAnswer(answer, finish = 'stop') {
    same([answer.object, answer.choices[0].message.role], ['chat.completion', 'assistant'], 'the object and role');
    same(answer.choices[0].finish_reason, finish, 'the finish reason');
    checkUsage(answer.usage);
}

const TOOL = {
    type: 'function',
    function: {
        name: 'get_weather', description: 'Tells the weather in a city.',
        parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
};

function checkCall(call) {
    same([call.type, call.function.name], ['function', 'get_weather'], 'the call');
    same(typeof JSON.parse(call.function.arguments).city, 'string', 'the type of the argument');
}

operation('openai.chat', async () => {
    const answer = await chat([{ role: 'system', content: 'Be brief.' }, { role: 'user', content: PROMPTS.plain }]);
    checkAnswer(answer);
    expect(answer.choices[0].message.content, 'there is no text');
});

operation('openai.stream', async () => {
    const chunks = await all(await chat(PROMPTS.plain, { stream: true, stream_options: { include_usage: true } }));
    expect(chunks.length > 2, `${chunks.length} chunks came, so nothing was streamed`);
    const text = chunks.map((chunk) => chunk.choices[0]?.delta?.content ?? '').join('');
    same(text, (await chat(PROMPTS.plain)).choices[0].message.content, 'the streamed text');
    same(chunks.flatMap((chunk) => chunk.choices[0]?.finish_reason ?? []), ['stop'], 'the finish reasons');
    checkUsage(chunks.at(-1).usage);
});

operation('openai.no_usage', async () => {
    const chunks = await all(await chat(PROMPTS.short, { stream: true }));
    same(chunks.filter((chunk) => chunk.usage), [], 'the usage that nobody asked for');
});

operation('openai.max_tokens', async () => {
    const answer = await chat(PROMPTS.plain, { max_tokens: 8, model: MODELS.budget, reasoning_effort: 'none' });
    checkAnswer(answer, 'length');
    same(answer.usage.completion_tokens, 8, 'the tokens of the completion');
});

operation('openai.candidates', async () => {
    const answer = await chat(PROMPTS.plain, { n: 2, model: MODELS.budget });
    same(answer.choices.map((choice) => choice.index), [0, 1], 'the choices');
});

operation('openai.reasoning', async () => {
    const thought = ({ usage }) => usage.total_tokens - usage.prompt_tokens - usage.completion_tokens;
    const [none, high] = [await chat(PROMPTS.plain, { model: MODELS.budget, reasoning_effort: 'none' }),
        await chat(PROMPTS.plain, { model: MODELS.budget, reasoning_effort: 'high' })];
    expect(thought(none) === 0 && thought(high) > 0, `${thought(none)} and ${thought(high)} tokens of thinking`);
});

operation('openai.json_schema', async () => {
    const schema = {
        type: 'object', properties: { name: { type: 'string' }, minutes: { type: 'integer' } },
        required: ['name', 'minutes'], additionalProperties: false,
    };
    const answer = await chat('A recipe for bread',
        { response_format: { type: 'json_schema', json_schema: { name: 'recipe', schema, strict: true } } });
    const { name, minutes, ...rest } = JSON.parse(answer.choices[0].message.content);
    expect(typeof name === 'string' && Number.isInteger(minutes), short(answer.choices[0].message.content));
    same(rest, {}, 'what is left');
});

operation('openai.tools', async () => {
    const turns = [{ role: 'user', content: PROMPTS.weather }];
    const answer = await chat(turns, { tools: [TOOL] });
    const { message, finish_reason } = answer.choices[0];
    same([finish_reason, message.tool_calls?.length], ['tool_calls', 1], 'the finish reason and the calls');
    checkCall(message.tool_calls[0]);
    turns.push(message, { role: 'tool', tool_call_id: message.tool_calls[0].id, content: '{"celsius":21}' });
    const final = await chat(turns, { tools: [TOOL] });
    checkAnswer(final);
    expect(final.choices[0].message.content.includes('21'), `not used: ${short(final.choices[0].message.content)}`);
});

operation('openai.tools_stream', async () => {
    const runner = ai.chat.completions.stream({
        model: TEXT, messages: [{ role: 'user', content: PROMPTS.weather }], tools: [TOOL],
    });
    const { choices: [{ message, finish_reason }] } = await runner.finalChatCompletion();
    same([finish_reason, message.tool_calls?.length], ['tool_calls', 1], 'the finish reason and the calls');
    checkCall(message.tool_calls[0]);
});

operation('openai.tools_automatic', async () => {
    const callable = { ...TOOL.function, parse: JSON.parse, function: () => ({ celsius: 21 }) };
    const runner = ai.chat.completions.runTools({
        model: MODELS.budget, messages: [{ role: 'user', content: PROMPTS.weather }],
        tools: [{ type: 'function', function: callable }],
    });
    const text = await runner.finalContent();
    expect(text.includes('21'), `the answer does not use the function: ${short(text)}`);
});

operation('openai.embeddings', async () => {
    const { data } = await ai.embeddings.create({ model: MODELS.embedding, input: ['a beaver', 'a dam'] });
    same(data.map((one) => one.embedding.length), [3072, 3072], 'the dimensions'); // asked for in base64
    const floats = await ai.embeddings.create({ model: MODELS.embedding, input: 'a beaver', encoding_format: 'float' });
    const difference = Math.max(...floats.data[0].embedding.map((value, i) => Math.abs(value - data[0].embedding[i])));
    expect(difference < 1e-6, `base64 and numbers differ by ${difference}`);
});

operation('openai.models', async () => {
    const ids = (await all(await ai.models.list())).map((model) => model.id);
    expect(ids.includes(`models/${TEXT}`), `${TEXT} is not among ${short(ids)}`);
    same((await ai.models.retrieve(TEXT)).id, `models/${TEXT}`, 'the id');
});

const KINDS = {
    400: sdk.BadRequestError, 401: sdk.AuthenticationError, 403: sdk.PermissionDeniedError, 404: sdk.NotFoundError,
    429: sdk.RateLimitError, 500: sdk.InternalServerError, 503: sdk.InternalServerError,
};

for (const one of CASES.errors) {
    const send = (fields) => {
        const api = client({ key: one.key, fault: one.fault });
        const messages = [{ role: one.role ?? 'user', content: PROMPTS.short }];
        return chat(messages, { model: MODELS[one.model ?? 'text'], ...fields }, api);
    };

    operation(one.operation, async () => {
        same((await raises(KINDS[one.code], () => send())).status, one.code, 'the code');
    });

    operation(`${one.operation}.stream`, async () => {
        const error = await raises(KINDS[one.code], async () => all(await send({ stream: true })));
        same(error.status, one.code, 'the code');
    });
}

if (LIMITED_URL) operation('error.quota', async () => {
    const api = client({ key: 'quota-openai', baseURL: `${LIMITED_URL}/v1beta/openai/` });
    checkAnswer(await chat(PROMPTS.short, {}, api));
    same((await raises(sdk.RateLimitError, () => chat(PROMPTS.short, {}, api))).status, 429, 'the code');
});

operation('error.field', async () => {
    same((await raises(sdk.BadRequestError, () => chat('Hi', { foo: 1 }))).status, 400, 'the code');
});

operation('error.mid_stream.event', async () => {
    let seen = 0;
    await raises(sdk.APIError, async () => {
        for await (const chunk of await chat(PROMPTS.plain, { stream: true }, client({ fault: 'event' }))) {
            seen += chunk.choices ? 1 : 0;
        }
    });
    expect(seen > 0, 'nothing came before the error');
});

operation('error.retried', async () => {
    checkAnswer(await chat(PROMPTS.short, {}, client({ key: onceKey(), fault: 'retry', maxRetries: 2 })));
});

await run('openai');
