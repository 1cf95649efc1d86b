// tools.mjs -- chats and functions through Google's SDK for JavaScript.
// SPDX-License-Identifier: MIT
import { ApiError } from '@google/genai';
import { PROMPTS, all, expect, operation, raises, same, short } from '../harness.mjs';
import { TEXT, ai, ask, checkAnswer, checkChunks } from './support.mjs';

const city = { type: 'OBJECT', properties: { city: { type: 'STRING' } }, required: ['city'] };
const WEATHER = { name: 'get_weather', description: 'Tells the weather in a city.', parameters: city };
const TIME = {
    name: 'get_time', description: 'Tells the time in a city.',
    parametersJsonSchema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};

function tools(functionDeclarations, mode = 'AUTO') {
    return { tools: [{ functionDeclarations }], toolConfig: { functionCallingConfig: { mode } } };
}

function answerCall({ id, name }, response) {
    return { functionResponse: { id, name, response } };
}

operation('chat.turns', async () => {
    const chat = ai.chats.create({ model: TEXT });
    checkAnswer(await chat.sendMessage({ message: PROMPTS.short }));
    const second = await chat.sendMessage({ message: PROMPTS.plain });
    checkAnswer(second);
    same(chat.getHistory().map((turn) => turn.role), ['user', 'model', 'user', 'model'], 'the roles of the history');
    const alone = (await ask(PROMPTS.plain)).usageMetadata.promptTokenCount;
    expect(second.usageMetadata.promptTokenCount > alone, 'the first turn does not count in the second prompt');
});

operation('chat.stream', async () => {
    const chat = ai.chats.create({ model: TEXT });
    checkAnswer(await chat.sendMessage({ message: PROMPTS.short }));
    checkChunks(await all(await chat.sendMessageStream({ message: PROMPTS.plain })));
    checkAnswer(await chat.sendMessage({ message: PROMPTS.short }));
});

operation('tools.call', async () => {
    const answer = await ask(PROMPTS.weather, tools([WEATHER]));
    same(answer.functionCalls?.map((call) => call.name), ['get_weather'], 'the functions');
    const [call] = answer.functionCalls;
    expect(typeof call.args.city === 'string' && call.id, `the call is ${short(call)}`);
    same(answer.candidates[0].finishReason, 'STOP', 'the finish reason');
    expect(answer.candidates[0].content.parts[0].thoughtSignature, 'the call has no thought signature');
});

operation('tools.round_trip', async () => {
    const chat = ai.chats.create({ model: TEXT, config: tools([WEATHER]) });
    const { functionCalls } = await chat.sendMessage({ message: PROMPTS.weather });
    expect(functionCalls?.length, 'nothing was called');
    const final = await chat.sendMessage({ message: [answerCall(functionCalls[0], { celsius: 21 })] });
    checkAnswer(final);
    expect(final.text.includes('21'), `the answer does not use the response: ${short(final.text)}`);
});

operation('tools.parallel', async () => {
    const chat = ai.chats.create({ model: TEXT, config: tools([WEATHER, TIME]) });
    const answer = await chat.sendMessage({ message: PROMPTS.two_functions });
    const calls = answer.functionCalls ?? [];
    same(calls.map((call) => call.name).sort(), ['get_time', 'get_weather'], 'the functions');
    same(new Set(calls.map((call) => call.id)).size, 2, 'the number of ids');
    const parts = answer.candidates[0].content.parts.filter((part) => part.functionCall);
    same(parts.map((part) => Boolean(part.thoughtSignature)), [true, false], 'which calls are signed');
    checkAnswer(await chat.sendMessage({ message: calls.map((call) => answerCall(call, { value: '12:34' })) }));
});

operation('tools.stream', async () => {
    const chat = ai.chats.create({ model: TEXT, config: tools([WEATHER]) });
    const chunks = await all(await chat.sendMessageStream({ message: PROMPTS.weather }));
    const calls = chunks.flatMap((chunk) => chunk.functionCalls ?? []);
    same(calls.map((call) => call.name), ['get_weather'], 'the functions');
    const rest = await all(await chat.sendMessageStream({ message: [answerCall(calls[0], { celsius: 21 })] }));
    const text = rest.map((chunk) => chunk.text ?? '').join('');
    expect(text.includes('21'), `the answer does not use the response: ${short(text)}`);
});

operation('tools.automatic', async () => {
    const callable = {
        tool: async () => ({ functionDeclarations: [WEATHER] }),
        callTool: async (calls) => calls.map((call) => answerCall(call, { celsius: 21 })),
    };
    const chat = ai.chats.create({ model: TEXT, config: { tools: [callable] } });
    const final = await chat.sendMessage({ message: PROMPTS.weather });
    expect(final.text?.includes('21'), `the answer does not use the function: ${short(final.text)}`);
});

operation('tools.any', async () => {
    const answer = await ask('Hum a tune.', tools([WEATHER], 'ANY'));
    same(answer.functionCalls?.map((call) => call.name), ['get_weather'], 'the functions');
});

operation('tools.none', async () => {
    const answer = await ask(PROMPTS.weather, tools([WEATHER], 'NONE'));
    same(answer.functionCalls, undefined, 'the calls');
    checkAnswer(answer);
});

operation('tools.unsigned', async () => {
    const contents = [
        { role: 'user', parts: [{ text: PROMPTS.weather }] },
        { role: 'model', parts: [{ functionCall: { id: 'c1', name: 'get_weather', args: { city: 'Paris' } } }] },
        { role: 'user', parts: [{ functionResponse: { id: 'c1', name: 'get_weather', response: { celsius: 21 } } }] },
    ];
    const error = await raises(ApiError, () => ask(contents, tools([WEATHER])));
    same(error.status, 400, 'the code');
    expect(error.message.includes('thought_signature'), `the message is ${short(error.message)}`);
});
