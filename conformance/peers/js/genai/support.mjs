// support.mjs -- what the operations of Google's SDK for JavaScript share: clients, questions and checks.
// SPDX-License-Identifier: MIT
import { GoogleGenAI } from '@google/genai';
import { CASES, MODELS, URL_BASE, expect, faultHeaders, same, short } from '../harness.mjs';

export const TEXT = MODELS.text;

export function client({ key = CASES.key, fault, ...options } = {}) {
    return new GoogleGenAI({
        apiKey: key,
        httpOptions: { baseUrl: URL_BASE, headers: faultHeaders(fault), ...options },
    });
}

export const ai = client();

export function ask(contents, config, model = TEXT) {
    return ai.models.generateContent({ model, contents, config });
}

export function checkUsage(usage) {
    const { promptTokenCount: prompt, candidatesTokenCount, thoughtsTokenCount, toolUsePromptTokenCount } = usage;
    expect(prompt > 0, `prompt tokens are ${prompt}`);
    const sum = [prompt, candidatesTokenCount, thoughtsTokenCount, toolUsePromptTokenCount]
        .reduce((total, count) => total + (count ?? 0), 0);
    same(usage.totalTokenCount, sum, 'the total of tokens');
}

export function checkAnswer(answer, finish = 'STOP') {
    expect(answer.text, `no text: ${short(answer)}`);
    same(answer.candidates[0].finishReason, finish, 'the finish reason');
    checkUsage(answer.usageMetadata);
    expect(answer.modelVersion && answer.responseId, 'no model version or no response id');
}

/** What holds for every stream; gives the text. */
export function checkChunks(chunks) {
    expect(chunks.length > 1, `${chunks.length} chunk came, so nothing was streamed`);
    same(new Set(chunks.map((chunk) => chunk.responseId)).size, 1, 'the number of response ids');
    checkUsage(chunks.at(-1).usageMetadata);
    const totals = chunks.flatMap((chunk) => chunk.usageMetadata?.totalTokenCount ?? []);
    same(totals, totals.toSorted((a, b) => a - b), 'the cumulative totals');
    const reasons = chunks.flatMap((chunk) => chunk.candidates ?? []).map((one) => one.finishReason);
    same(reasons.at(-1), 'STOP', 'the last finish reason');
    same(reasons.slice(0, -1).filter(Boolean), [], 'the earlier finish reasons');
    return chunks.map((chunk) => chunk.text ?? '').join('');
}
