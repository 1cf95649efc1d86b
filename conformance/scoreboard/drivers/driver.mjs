// driver.mjs -- what all drivers in JavaScript share: a case is one line of JSON on standard input, what came of it one
// line on standard output. README.md has the fields.
// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const TEXT_MAX = 100_000; // characters; of a longer text the length and the hash are told

function tellText(text) {
    if (text.length <= TEXT_MAX) return text;
    return { length: [...text].length, sha256: createHash('sha256').update(text, 'utf8').digest('hex') };
}

/** What a caller of the client got to see. */
export class Seen {
    texts = new Map(); // candidate -> text
    thought = '';
    finish = new Map(); // candidate -> the last reason
    block = null;
    calls = [];
    signatures = [];
    usage = null;

    text(piece, candidate = 0) {
        this.texts.set(candidate, (this.texts.get(candidate) ?? '') + piece);
    }

    told() {
        const others = [...this.texts].filter(([index]) => index !== 0).map(([index, text]) => [index, tellText(text)]);
        const { block, calls, signatures, usage } = this;
        return {
            text: tellText(this.texts.get(0) ?? ''), others: Object.fromEntries(others),
            thought: tellText(this.thought), finish: this.finish.get(0) ?? null, block, calls, signatures, usage,
        };
    }
}

/** All that a caller can reach: class, code, words, the server's own details and its wish to be left alone. */
function tellError(error) {
    const words = [String(error?.message ?? error), error?.responseBody, error?.error && JSON.stringify(error.error)];
    for (let cause = error?.cause ?? error?.lastError; cause; cause = cause.cause) {
        words.push(`caused by ${cause.name}: ${cause.message} ${cause.responseBody ?? ''}`);
    }
    const headers = error?.headers ?? error?.responseHeaders ?? error?.lastError?.responseHeaders;
    const after = headers?.get?.('retry-after') ?? headers?.['retry-after'];
    if (after) words.push(`retry-after: ${after}`);
    const code = error?.status ?? error?.statusCode ?? error?.code ?? error?.lastError?.statusCode ?? '';
    return {
        class: error?.constructor?.name === 'Error' ? error.name : (error?.constructor?.name ?? typeof error),
        code: String(code), message: words.filter(Boolean).join(' | ').slice(0, 8000),
    };
}

/** As a program would read them; what cannot be read stays text. */
export function parsed(text) {
    try {
        return JSON.parse(text);
    } catch {
        return text;
    }
}

/** The first of two questions: what comes of it is not the case's matter. */
async function askBefore(ask, client, before) {
    try {
        for await (const _ of ask(client, before, new Seen())) if (before.leave) break;
    } catch { /* as above */ }
    await sleep(before.pause_s * 1000);
}

/** For each line connect(case), and then ask(client, case, seen), a generator that takes an event at each step.
 *  Whatever they throw is what the client threw. */
export async function run(connect, ask) {
    process.stdout.write('{"ready": true}\n');
    for await (const line of createInterface({ input: process.stdin })) {
        const seen = new Seen();
        let begin = process.hrtime.bigint();
        let error = null;
        try {
            const one = JSON.parse(line);
            const client = connect(one);
            if (one.before) {
                await askBefore(ask, client, { ...one, ...one.before });
                begin = process.hrtime.bigint();
            }
            for await (const _ of ask(client, one, seen));
        } catch (thrown) {
            error = tellError(thrown);
        }
        const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
        process.stdout.write(JSON.stringify({ error, seconds, ...seen.told() }) + '\n');
    }
    process.exit(0); // a connection that is kept alive would hold us for seconds
}
