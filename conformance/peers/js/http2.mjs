// http2.mjs -- Node's own HTTP/2 client, which shows every stream and error code.
// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import { CASES, MODELS, PROMPTS, URL_BASE, expect, operation, run, same, short } from './harness.mjs';

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = http2.constants;
const MODEL = `/v1beta/models/${MODELS.text}`;
const QUESTION = JSON.stringify({ contents: [{ role: 'user', parts: [{ text: PROMPTS.plain }] }] });

/** Gives `use` a connection of its own, and closes it. */
async function connected(use, options = {}) {
    const ca = process.env.POLLUX_CA && readFileSync(process.env.POLLUX_CA);
    const session = http2.connect(URL_BASE, { ca, ...options });
    const broken = new Promise((_, reject) => session.on('error', reject));
    try {
        return await Promise.race([use(session), broken]);
    } finally {
        session.destroy();
    }
}

function open(session, path, body, headers = {}) {
    const stream = session.request({
        ':method': body ? 'POST' : 'GET', ':path': path, 'x-goog-api-key': CASES.key,
        'content-type': 'application/json', ...headers,
    });
    stream.end(body);
    return stream;
}

/** The whole answer; rejects when the stream is reset. */
function answer(stream) {
    return new Promise((resolve, reject) => {
        const seen = { status: 0, headers: {}, text: '', pieces: 0 };
        stream.setEncoding('utf8');
        stream.on('response', (headers) => Object.assign(seen, { status: headers[':status'], headers }));
        stream.on('data', (piece) => Object.assign(seen, { text: seen.text + piece, pieces: seen.pieces + 1 }));
        stream.on('error', reject);
        stream.on('end', () => resolve(seen));
    });
}

function ask(session, method, body = QUESTION, headers) {
    return answer(open(session, `${MODEL}:${method}`, body, headers));
}

operation('h2.unary', () => connected(async (session) => {
    const { status, text } = await ask(session, 'generateContent');
    same(session.alpnProtocol, URL_BASE.startsWith('https') ? 'h2' : 'h2c', 'the protocol');
    same(status, 200, 'the status');
    same(JSON.parse(text).candidates[0].finishReason, 'STOP', 'the finish reason');
}));

operation('h2.stream', () => connected(async (session) => {
    const { headers, text, pieces } = await ask(session, 'streamGenerateContent?alt=sse');
    same(headers['content-type'], 'text/event-stream', 'the type');
    expect(pieces > 1, `${pieces} piece came, so nothing was streamed`);
    expect(text.endsWith('\r\n\r\n') && text.includes('"finishReason": "STOP"'), `it ends ${short(text.slice(-200))}`);
    for (const forbidden of ['connection', 'transfer-encoding', 'keep-alive']) {
        same(headers[forbidden], undefined, `the header ${forbidden}`);
    }
}));

operation('h2.error', () => connected(async (session) => {
    const { status, text } = await answer(open(session, '/v1beta/models/no-such-model'));
    same([status, JSON.parse(text).error.status], [404, 'NOT_FOUND'], 'the error');
}));

operation('h2.upload', () => connected(async (session) => {
    const body = JSON.stringify({ contents: [{ parts: [{ text: 'b'.repeat(1 << 20) }] }] });
    const { status, text } = await ask(session, 'countTokens', body);
    same(status, 200, 'the status');
    expect(JSON.parse(text).totalTokens > 100000, `the answer is ${short(text)}`);
}));

operation('h2.many', () => connected(async (session) => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask(session, 'streamGenerateContent?alt=sse')));
    const [first] = answers;
    const length = ({ text }) => text.split('\r\n\r\n').length;
    same(new Set(answers.map(length)).size, 1, 'the number of lengths');
    expect(length(first) > 2, 'nothing was streamed');
}));

operation('h2.window', () => connected(async (session) => {
    const { text } = await ask(session, 'generateContent');
    same(JSON.parse(text).candidates[0].finishReason, 'STOP', 'the finish reason');
}, { settings: { initialWindowSize: 512 } }));

operation('h2.cancel', () => connected(async (session) => {
    const stream = open(session, `${MODEL}:streamGenerateContent?alt=sse`, QUESTION);
    await new Promise((resolve, reject) => stream.once('data', resolve).once('error', reject));
    stream.close(NGHTTP2_CANCEL);
    same((await ask(session, 'generateContent')).status, 200, 'the status of the next one');
}));

operation('h2.ping', () => connected(async (session) => {
    await new Promise((resolve, reject) => session.once('remoteSettings', resolve).once('error', reject));
    await new Promise((resolve, reject) => session.ping((error) => (error ? reject(error) : resolve())));
    const { maxConcurrentStreams } = session.remoteSettings;
    expect(maxConcurrentStreams >= 100, `only ${maxConcurrentStreams} streams at a time`);
}));

operation('h2.fault_reset', () => connected(async (session) => {
    const stream = open(session, `${MODEL}:streamGenerateContent?alt=sse`, QUESTION,
        { [CASES.faultHeader]: CASES.faults.h2Reset });
    await answer(stream).then(() => expect(false, 'it ended well'), () => {});
    expect(stream.rstCode !== NGHTTP2_NO_ERROR, `the code is ${stream.rstCode}`);
    same((await ask(session, 'generateContent')).status, 200, 'the status of the next one');
}));

operation('h2.fault_goaway', () => connected(async (session) => {
    const gone = new Promise((resolve) => session.once('goaway', resolve));
    const fault = { [CASES.faultHeader]: CASES.faults.h2Goaway };
    ask(session, 'streamGenerateContent?alt=sse', QUESTION, fault).catch(() => {});
    expect(typeof (await gone) === 'number', 'there is no code');
}));

await run('node:http2');
