// errors.mjs -- the errors that Google's SDK for JavaScript throws.
// SPDX-License-Identifier: MIT
import { ApiError } from '@google/genai';
import {
    CASES, LIMITED_URL, MODELS, PROMPTS, all, expect, onceKey, operation, raises, same, short,
} from '../harness.mjs';
import { TEXT, checkAnswer, client } from './support.mjs';

/** The SDK puts the body into the message; what is checked is that it is Google's. */
function check(error, { code, status }) {
    same(error.status, code, 'the code');
    const body = JSON.parse(error.message).error;
    same([body.code, body.status], [code, status], 'the error');
    expect(body.message, 'the error has no message');
    return body;
}

for (const one of CASES.errors) {
    const request = {
        model: MODELS[one.model ?? 'text'],
        contents: [{ role: one.role ?? 'user', parts: [{ text: PROMPTS.short }] }],
    };

    operation(one.operation, async () => {
        const { models } = client({ key: one.key, fault: one.fault });
        const body = check(await raises(ApiError, () => models.generateContent(request)), one);
        if (one.code !== 429) return;
        const kinds = body.details?.map((detail) => detail['@type'].split('.').at(-1)) ?? [];
        expect(kinds.includes('QuotaFailure') && kinds.includes('RetryInfo'), `the details are ${kinds}`);
    });

    operation(`${one.operation}.stream`, async () => {
        const { models } = client({ key: one.key, fault: one.fault });
        check(await raises(ApiError, async () => all(await models.generateContentStream(request))), one);
    });
}

if (LIMITED_URL) operation('error.quota', async () => {
    const { models } = client({ key: 'quota-js', baseUrl: LIMITED_URL });
    const request = { model: TEXT, contents: PROMPTS.short };
    checkAnswer(await models.generateContent(request));
    const error = await raises(ApiError, () => models.generateContent(request));
    const { details } = check(error, { code: 429, status: 'RESOURCE_EXHAUSTED' });
    const find = (kind) => details.find((detail) => detail['@type'].endsWith(`.${kind}`));
    expect(find('QuotaFailure').violations[0].quotaId.includes('RequestsPerMinute'), short(details));
    expect(parseFloat(find('RetryInfo').retryDelay) <= 60, `the details are ${short(details)}`);
});

operation('error.no_key', async () => {
    const { models } = client({ headers: { 'x-goog-api-key': '' } });
    const error = await raises(ApiError, () => models.generateContent({ model: TEXT, contents: 'Hi' }));
    check(error, { code: 403, status: 'PERMISSION_DENIED' });
});

operation('error.field', async () => {
    const { models } = client({ extraBody: { foo: 1 } });
    const error = await raises(ApiError, () => models.generateContent({ model: TEXT, contents: 'Hi' }));
    const { message } = check(error, { code: 400, status: 'INVALID_ARGUMENT' });
    expect(message.includes('Unknown name "foo"'), `the message is ${short(message)}`);
});

for (const form of ['event', 'indented', 'line']) operation(`error.mid_stream.${form}`, async () => {
    let seen = 0;
    const error = await raises(ApiError, async () => {
        const { models } = client({ fault: form });
        for await (const chunk of await models.generateContentStream({ model: TEXT, contents: PROMPTS.plain })) {
            seen += chunk.candidates ? 1 : 0;
        }
    });
    expect(seen > 0, 'nothing came before the error');
    same(error.status, 503, 'the code');
});

operation('error.retried', async () => {
    const { models } = client({ key: onceKey(), fault: 'retry', retryOptions: { attempts: 3, initialDelay: 0.05 } });
    checkAnswer(await models.generateContent({ model: TEXT, contents: PROMPTS.short }));
});
