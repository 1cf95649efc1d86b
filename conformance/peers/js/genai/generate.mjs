// generate.mjs -- generateContent, countTokens, embeddings and models through Google's SDK for JavaScript.
// SPDX-License-Identifier: MIT
import { MODELS, PROMPTS, all, expect, operation, same, short } from '../harness.mjs';
import { TEXT, ai, ask, checkAnswer, checkChunks, checkUsage, client } from './support.mjs';

operation('generate.unary', async () => checkAnswer(await ask(PROMPTS.plain)));

operation('generate.stream', async () => {
    const chunks = await all(await ai.models.generateContentStream({ model: TEXT, contents: PROMPTS.plain }));
    same(checkChunks(chunks), (await ask(PROMPTS.plain)).text, 'the streamed text');
});

operation('generate.abandoned', async () => {
    for await (const chunk of await ai.models.generateContentStream({ model: TEXT, contents: PROMPTS.plain })) {
        expect(chunk.candidates, 'the first chunk is empty');
        break;
    }
    checkAnswer(await ask(PROMPTS.short));
});

operation('generate.versions', async () => {
    for (const apiVersion of ['v1', 'v1beta', 'v1alpha']) {
        const { models } = client({ apiVersion });
        checkAnswer(await models.generateContent({ model: `models/${TEXT}`, contents: PROMPTS.short }));
    }
});

operation('generate.system', async () => {
    checkAnswer(await ask(PROMPTS.plain, {
        systemInstruction: 'Be brief.', temperature: 0.2, topP: 0.9, seed: 7,
        safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_ONLY_HIGH' }],
    }));
});

operation('generate.image', async () => {
    const data = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(64)]).toString('base64');
    const answer = await ask([PROMPTS.short, { inlineData: { mimeType: 'image/png', data } }]);
    checkAnswer(answer);
    const kinds = answer.usageMetadata.promptTokensDetails?.map((detail) => detail.modality) ?? [];
    expect(kinds.includes('IMAGE'), `the prompt's tokens are of ${kinds}, not of an image too`);
});

operation('generate.max_tokens', async () => {
    const config = { maxOutputTokens: 8, thinkingConfig: { thinkingBudget: 0 } };
    const answer = await ask(PROMPTS.plain, config, MODELS.budget);
    same(answer.candidates[0].finishReason, 'MAX_TOKENS', 'the finish reason');
    same(answer.usageMetadata.candidatesTokenCount, 8, 'the tokens of the candidate');
    checkUsage(answer.usageMetadata);
});

operation('generate.stop_sequence', async () => {
    const word = (await ask(PROMPTS.plain)).text.split(' ')[4];
    const answer = await ask(PROMPTS.plain, { stopSequences: [word] });
    checkAnswer(answer);
    expect(!answer.text.includes(word), `the stop sequence ${word} is in the text`);
});

operation('generate.candidates', async () => {
    const answer = await ask(PROMPTS.plain, { candidateCount: 2 }, MODELS.budget);
    same(answer.candidates.map((one) => one.index ?? 0), [0, 1], 'the candidates');
    const [first, second] = answer.candidates.map((one) => one.content.parts[0].text);
    expect(first && second && first !== second, 'the two candidates are not two answers');
});

operation('generate.thoughts', async () => {
    const chunks = await all(await ai.models.generateContentStream({
        model: TEXT, contents: PROMPTS.plain,
        config: { thinkingConfig: { includeThoughts: true, thinkingLevel: 'LOW' } },
    }));
    const parts = chunks.flatMap((chunk) => chunk.candidates?.[0]?.content?.parts ?? []);
    expect(parts.some((part) => part.thought && part.text), 'no part is a thought');
    expect(parts.some((part) => part.thoughtSignature), 'no part has a thought signature');
    expect(chunks.at(-1).usageMetadata.thoughtsTokenCount > 0, 'no tokens of thoughts are counted');
    checkChunks(chunks);
});

operation('generate.thinking_off', async () => {
    const answer = await ask(PROMPTS.plain, { thinkingConfig: { thinkingBudget: 0 } }, MODELS.budget);
    checkAnswer(answer);
    expect(!answer.usageMetadata.thoughtsTokenCount, 'there are thoughts with a budget of 0');
});

operation('generate.blocked', async () => {
    const answer = await ask(PROMPTS.blocked);
    expect(!answer.candidates?.length, 'there are candidates');
    expect(answer.promptFeedback?.blockReason, 'no block reason');
    checkUsage(answer.usageMetadata);
});

operation('generate.unsafe', async () => {
    const { candidates: [one] } = await ask(PROMPTS.unsafe);
    same(one.finishReason, 'SAFETY', 'the finish reason');
    expect(one.safetyRatings?.length, 'no safety ratings');
});

operation('generate.recitation', async () => {
    same((await ask(PROMPTS.recited)).candidates[0].finishReason, 'RECITATION', 'the finish reason');
});

operation('generate.long_decode', async () => {
    const last = (await all(await ai.models.generateContentStream({
        model: MODELS.long, contents: PROMPTS.long, config: { maxOutputTokens: 100000 },
    }))).at(-1);
    same(last.candidates[0].finishReason, 'STOP', 'the last finish reason');
    const tokens = last.usageMetadata.candidatesTokenCount;
    expect(tokens > 65536, `${tokens} tokens fit into one request, so nothing was continued`);
});

operation('count.tokens', async () => {
    const count = async (contents) => (await ai.models.countTokens({ model: TEXT, contents })).totalTokens;
    const [few, many] = [await count('Say hello'), await count('Say hello '.repeat(100))];
    expect(few > 0 && many > few, `${few} and ${many} tokens`);
    same((await ask('Say hello '.repeat(100))).usageMetadata.promptTokenCount, many, "the prompt's tokens");
});

// ---- JSON ----

const RECIPE = {
    type: 'OBJECT',
    properties: {
        name: { type: 'STRING' },
        minutes: { type: 'INTEGER' },
        steps: { type: 'ARRAY', items: { type: 'STRING' }, minItems: '1' },
        level: { type: 'STRING', enum: ['easy', 'hard'] },
    },
    required: ['name', 'minutes', 'steps', 'level'],
};

function checkRecipe(text) {
    const recipe = JSON.parse(text);
    same(Object.keys(recipe).sort(), ['level', 'minutes', 'name', 'steps'], 'the fields');
    expect(Number.isInteger(recipe.minutes) && typeof recipe.name === 'string', `the types of ${short(recipe)}`);
    const isText = (step) => typeof step === 'string';
    expect(recipe.steps.length && recipe.steps.every(isText), `the steps of ${short(recipe)}`);
    expect(['easy', 'hard'].includes(recipe.level), `the level of ${short(recipe)}`);
}

operation('json.schema', async () => {
    const answer = await ask('A recipe for bread', { responseMimeType: 'application/json', responseSchema: RECIPE });
    checkRecipe(answer.text);
});

operation('json.json_schema', async () => {
    const schema = {
        type: 'object',
        properties: { city: { type: 'string' }, near: { type: 'array', items: { $ref: '#/$defs/place' } } },
        required: ['city', 'near'], additionalProperties: false,
        $defs: { place: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] } },
    };
    const answer = await ask('Describe Paris', { responseMimeType: 'application/json', responseJsonSchema: schema });
    const { city, near, ...rest } = JSON.parse(answer.text);
    expect(typeof city === 'string' && near.every((place) => typeof place.name === 'string'), short(answer.text));
    same(rest, {}, 'what is left');
});

operation('json.enum', async () => {
    const answer = await ask('Is bread hard to make?', {
        responseMimeType: 'text/x.enum', responseSchema: { type: 'STRING', enum: ['easy', 'hard'] },
    });
    expect(['easy', 'hard'].includes(answer.text), `the answer is ${short(answer.text)}`);
});

operation('json.stream', async () => {
    const chunks = await all(await ai.models.generateContentStream({
        model: TEXT, contents: 'A recipe for bread',
        config: { responseMimeType: 'application/json', responseSchema: RECIPE },
    }));
    checkRecipe(chunks.map((chunk) => chunk.text ?? '').join(''));
});

// ---- Embeddings and models ----

operation('embed.one', async () => {
    const embed = () => ai.models.embedContent({ model: MODELS.embedding, contents: 'a beaver' });
    const { embeddings } = await embed();
    same(embeddings.map((one) => one.values.length), [3072], 'the dimensions');
    same((await embed()).embeddings, embeddings, 'the second embedding of the same text');
});

operation('embed.many', async () => {
    const { embeddings } = await ai.models.embedContent({
        model: MODELS.embedding, contents: ['a beaver', 'a dam', 'a beaver'],
        config: { outputDimensionality: 256, taskType: 'RETRIEVAL_DOCUMENT' },
    });
    same(embeddings.map((one) => one.values.length), [256, 256, 256], 'the dimensions');
    same(embeddings[2], embeddings[0], 'the embedding of an equal text');
    expect(short(embeddings[1]) !== short(embeddings[0]), 'another text has the same embedding');
});

operation('models.list', async () => {
    const models = await all(await ai.models.list());
    expect(models.some((model) => model.name === `models/${TEXT}`), `${TEXT} is not among ${models.length} models`);
});

operation('models.paging', async () => {
    const names = (models) => models.map((model) => model.name);
    const pager = await ai.models.list({ config: { pageSize: 2 } });
    same(pager.page.length, 2, 'the size of a page');
    same(names(await all(pager)), names(await all(await ai.models.list())), 'the models page by page');
});

operation('models.get', async () => {
    const model = await ai.models.get({ model: TEXT });
    same(model.name, `models/${TEXT}`, 'the name');
    expect(model.inputTokenLimit > 100000 && model.outputTokenLimit >= 8192, 'the limits are missing');
    expect(model.supportedActions.includes('generateContent'), `the actions are ${model.supportedActions}`);
});
