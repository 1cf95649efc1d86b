// interactions.mjs -- interactions through Google's SDK for JavaScript.
// SPDX-License-Identifier: MIT
import { MODELS, PROMPTS, all, expect, operation, raises, same, short, waitFor } from '../harness.mjs';
import { TEXT, ai, client } from './support.mjs';

function interact(fields = {}) {
    return ai.interactions.create({ model: TEXT, input: PROMPTS.short, ...fields });
}

function outputText({ steps }) {
    return steps.filter((step) => step.type === 'model_output').flatMap((step) => step.content)
        .map((piece) => piece.text).join('');
}

function check(one, status = 'completed') {
    same(one.status, status, 'the status');
    expect(one.id, 'there is no id');
    const { total_input_tokens, total_output_tokens, total_thought_tokens = 0, total_tool_use_tokens = 0 } = one.usage;
    same(one.usage.total_tokens, total_input_tokens + total_output_tokens + total_thought_tokens +
        total_tool_use_tokens, 'the total of tokens');
}

function isBusy({ status }) {
    return status === 'in_progress' || status === 'queued';
}

operation('interactions.create', async () => {
    const one = await interact();
    check(one);
    expect(outputText(one), 'there is no text');
    same(one.output_text, outputText(one), "the SDK's output_text");
});

operation('interactions.stream', async () => {
    const events = await all(await interact({ input: PROMPTS.plain, stream: true }));
    const kinds = events.map((event) => event.event_type);
    same([kinds[0], kinds.at(-1)], ['interaction.created', 'interaction.completed'], 'the first and the last event');
    for (const kind of ['step.start', 'step.delta', 'step.stop']) expect(kinds.includes(kind), `there is no ${kind}`);
    const deltas = events.filter((event) => event.event_type === 'step.delta').map((event) => event.delta);
    const text = deltas.filter((delta) => delta.type === 'text').map((delta) => delta.text).join('');
    same(text, outputText(await interact({ input: PROMPTS.plain })), 'the streamed text');
    check(events.at(-1).interaction);
});

operation('interactions.chain', async () => {
    const first = await interact({ input: 'My name is Castor.' });
    const second = await interact({ previous_interaction_id: first.id });
    check(second);
    const alone = (await interact()).usage.total_input_tokens;
    expect(second.usage.total_input_tokens > alone, 'the first one is not counted');
});

operation('interactions.get', async () => {
    const one = await interact();
    same(outputText(await ai.interactions.get(one.id)), outputText(one), 'the text');
    const whole = await ai.interactions.get(one.id, { include_input: true });
    same(whole.steps[0].type, 'user_input', 'the first step with the input');
});

operation('interactions.background', async () => {
    const one = await interact({ background: true });
    expect(isBusy(one), `it is born ${one.status}`);
    const done = await waitFor(() => ai.interactions.get(one.id), (now) => !isBusy(now), 'it');
    check(done);
    expect(outputText(done), 'there is no text');
});

operation('interactions.resume', async () => {
    const { id } = await interact({ input: PROMPTS.plain, background: true });
    const ids = async (params) => (await all(await ai.interactions.get(id, { stream: true, ...params })))
        .map((event) => event.event_id).filter(Boolean);
    const whole = await ids({});
    expect(whole.length > 1, `${whole.length} events have an id`);
    same(await ids({ last_event_id: whole[0] }), whole.slice(1), 'the events after the first');
});

operation('interactions.cancel', async () => {
    const { id } = await interact({ input: PROMPTS.long, background: true });
    same((await ai.interactions.cancel(id)).status, 'cancelled', 'the status');
});

operation('interactions.delete', async () => {
    const { id } = await interact();
    await ai.interactions.delete(id);
    const error = await raises(Error, () => ai.interactions.get(id));
    same([error.constructor.name, error.status], ['NotFoundError', 404], 'the error');
});

operation('interactions.function', async () => {
    const tools = [{
        type: 'function', name: 'get_weather', description: 'Tells the weather in a city.',
        parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    }];
    const one = await interact({ input: PROMPTS.weather, tools });
    same(one.status, 'requires_action', 'the status');
    const call = one.steps.find((step) => step.type === 'function_call');
    same(call.name, 'get_weather', 'the function');
    const result = { type: 'function_result', call_id: call.id, name: call.name, result: '21 degrees' };
    const two = await interact({ input: [result], previous_interaction_id: one.id, tools });
    check(two);
    expect(outputText(two).includes('21'), `the answer does not use the result: ${short(outputText(two))}`);
});

operation('interactions.long_decode', async () => {
    const one = await interact({
        model: MODELS.long, input: PROMPTS.long, generation_config: { max_output_tokens: 100000 },
    });
    check(one);
    const tokens = one.usage.total_output_tokens;
    expect(tokens > 65536, `${tokens} tokens fit into one request, so nothing was continued`);
});

operation('interactions.error', async () => {
    const error = await raises(Error, () => interact({ store: false, background: true }));
    same([error.constructor.name, error.status], ['BadRequestError', 400], 'the error');
    same(error.error?.error?.code ?? error.error?.code, 'invalid_request', 'the code');
});

operation('interactions.model_error', async () => {
    const error = await raises(Error, () => interact({ model: MODELS.unknown }));
    same([error.constructor.name, error.status], ['NotFoundError', 404], 'the error');
});

for (const [status, kind, code] of [[401, 'AuthenticationError', 'authentication'],
    [403, 'PermissionDeniedError', 'permission_denied']]) {
    operation(`interactions.error.${status}`, async () => {
        const { interactions } = client({ fault: `status=${status}` });
        const error = await raises(Error, () => interactions.create({ model: TEXT, input: PROMPTS.short }));
        same([error.constructor.name, error.status], [kind, status], 'the error');
        same(error.error?.error?.code ?? error.error?.code, code, 'the code');
    });
}
