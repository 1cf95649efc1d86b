// ask.mjs -- asks pollux for streamed answers until the time is over, eight at a time; prints what came of them.
//
// Usage: ask.mjs URL SECONDS. With @google/genai if it can be imported, else with Node's own fetch.
// SPDX-License-Identifier: MIT
const [url, seconds] = [process.argv[2], Number(process.argv[3])];
const deadline = Date.now() + seconds * 1000;
const MODEL = 'gemini-3.8-flash';
const PROMPTS = ['photosynthesis', 'pollux: tokens 300', 'pollux: block SAFETY', 'top 5 programming languages'];

async function askWithFetch(prompt) {
  const answer = await fetch(`${url}/v1beta/models/${MODEL}:streamGenerateContent?alt=sse`, {
    method: 'POST',
    headers: { 'x-goog-api-key': 'test-key', 'content-type': 'application/json' },
    body: JSON.stringify({ contents: [{ role: 'user', parts: [{ text: prompt }] }] }),
    signal: AbortSignal.timeout(10_000),
  });
  return (await answer.text()).length;
}

async function sdk() {
  const { GoogleGenAI } = await import('@google/genai');
  const client = new GoogleGenAI({ apiKey: 'test-key', httpOptions: { baseUrl: url, timeout: 10_000 } });
  return async (prompt) => {
    const config = { abortSignal: AbortSignal.timeout(10_000) };
    let length = 0;
    for await (const chunk of await client.models.generateContentStream({ model: MODEL, contents: prompt, config })) {
      length += (chunk.text ?? '').length;
    }
    return length;
  };
}

const ask = await sdk().catch(() => askWithFetch);
const outcomes = new Map();

function count(name) {
  outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
}

async function work(first) {
  for (let n = first + 1; Date.now() < deadline; n++) {
    try {
      count((await ask(PROMPTS[n % PROMPTS.length])) ? 'text' : 'nothing');
    } catch (error) { // whatever a client raises on a fault is an outcome here
      count(error.name);
    }
  }
}

console.warn = console.error = () => {}; // the SDK's own words about parts
await Promise.all(Array.from({ length: 8 }, (_, i) => work(i)));
const sorted = [...outcomes].sort((a, b) => b[1] - a[1]);
const calls = sorted.reduce((sum, [, times]) => sum + times, 0);
console.log(`${calls} calls: ${sorted.map(([name, times]) => `${name} ×${times}`).join(', ')}`);
process.exit(0); // what hangs in a socket hangs no longer
