// peer.mjs -- the JavaScript SDKs do what bench/castor_answers and bench/castor_many do.
// SPDX-License-Identifier: MIT
//
//     peer.mjs genai|openai print URL MODEL
//     peer.mjs genai|openai answers|lag URL MODEL N
//     peer.mjs genai|openai many URL PROMPT N GAP_MS
//
// It lies beside the packages (build/peers/js) when it runs. Prints one object of JSON; `print` the text.
const [sdk, mode, url, model, count = '1', gap = '0'] = process.argv.slice(2);
const STAMP_DIGITS = 19;

async function genai() {
    const { GoogleGenAI } = await import('@google/genai');
    const ai = new GoogleGenAI({ apiKey: 'test-key', httpOptions: { baseUrl: url } });
    return async function* (name, prompt) {
        const chunks = await ai.models.generateContentStream({ model: name, contents: prompt });
        for await (const chunk of chunks) yield chunk.text ?? '';
    };
}

async function openai() {
    const { default: OpenAI } = await import('openai');
    const ai = new OpenAI({ apiKey: 'test-key', baseURL: url });
    return async function* (name, prompt) {
        const messages = [{ role: 'user', content: prompt }];
        const chunks = await ai.chat.completions.create({ model: name, messages, stream: true });
        for await (const chunk of chunks) yield chunk.choices[0]?.delta?.content ?? '';
    };
}

function at(sorted, part) {
    return sorted.length ? sorted[Math.floor(part * (sorted.length - 1))] : 0;
}

const ask = sdk === 'genai' ? await genai() : await openai();

const modes = {
    async print() {
        for await (const text of ask(model, 'hi')) process.stdout.write(text);
    },
    async answers() {
        let events = 0, characters = 0;
        for (let i = 0; i < +count; i++) {
            for await (const text of ask(model, 'hi')) {
                events++;
                characters += text.length;
            }
        }
        return { events, characters };
    },
    async lag() {
        const lags = [];
        for (let i = 0; i < +count; i++) {
            for await (const text of ask(model, 'hi')) {
                const now = process.hrtime.bigint();
                if (text.length >= STAMP_DIGITS) lags.push(Number(now - BigInt(text.slice(0, STAMP_DIGITS))) / 1e3);
            }
        }
        lags.sort((a, b) => a - b);
        return { events: lags.length, lag_p50_us: at(lags, 0.5), lag_p90_us: at(lags, 0.9), lag_p99_us: at(lags, 0.99) };
    },
    async many() {
        const late = [];
        async function one() {
            const asked = performance.now();
            let events = 0;
            for await (const _ of ask('gemini-3.8-flash', model)) {
                late.push(Math.max(0, performance.now() - asked - ++events * +gap));
            }
        }
        await Promise.all(Array.from({ length: +count }, one));
        late.sort((a, b) => a - b);
        return { streams: +count, events: late.length, late_p50_ms: at(late, 0.5), late_p99_ms: at(late, 0.99) };
    },
};

const figures = await modes[mode]();
if (figures) console.log(JSON.stringify(figures));
