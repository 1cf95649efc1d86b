// harness.mjs -- runs operations one after another and says of each, in one JSON line, what came of it.
// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual, inspect } from 'node:util';

const SECONDS_MAX = 30; // for one operation; the whole driver is timed by its caller

export const CASES = JSON.parse(readFileSync(new URL(process.env.PEERS_CASES, 'file:'), 'utf8'));
export const MODELS = CASES.models;
export const PROMPTS = CASES.prompts;
export const URL_BASE = process.env.POLLUX_URL;
export const LIMITED_URL = process.env.POLLUX_LIMITED_URL; // one request a minute for each key; in the clear only
export const SCRATCH = process.env.PEERS_SCRATCH;

/** Thrown where the client cannot do a thing at all; the message is the reason. */
export class Skip extends Error {}

const operations = [];

export function operation(name, run) {
    operations.push({ name, run });
}

export function short(value, most = 160) {
    const text = typeof value === 'string' ? value : inspect(value, { depth: 4, breakLength: Infinity });
    return text.length <= most ? text : text.slice(0, most) + '...';
}

export function expect(isTrue, what) {
    if (!isTrue) throw new Error(what);
}

export function same(actual, wanted, what) {
    expect(isDeepStrictEqual(actual, wanted), `${what} is ${short(actual)}, not ${short(wanted)}`);
}

/** The error of this very kind that the call rejects with; anything else is a failure. */
export async function raises(kind, call) {
    let answer;
    try {
        answer = await call();
    } catch (error) {
        expect(error instanceof kind, `raised ${error.constructor.name}, not ${kind.name}: ${short(String(error))}`);
        return error;
    }
    throw new Error(`raised nothing; answered ${short(answer)}`);
}

/** Everything that a stream gives. */
export async function all(stream) {
    const seen = [];
    for await (const one of stream) seen.push(one);
    return seen;
}

export function pause(milliseconds) {
    return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Polls until the thing looked at is as wished. */
export async function waitFor(look, isThere, what, seconds = 15) {
    const end = Date.now() + seconds * 1000;
    for (;;) {
        const seen = await look();
        if (isThere(seen)) return seen;
        expect(Date.now() < end, `${what}: still ${short(seen)} after ${seconds} s`);
        await pause(100);
    }
}

/** The headers that make pollux misbehave in the way that cases.json calls so; an unknown name is the fault itself. */
export function faultHeaders(name) {
    return name ? { [CASES.faultHeader]: CASES.faults[name] ?? name } : {};
}

/** A key that nobody else uses: pollux counts by it how often a fault still has to happen. */
export function onceKey() {
    return `once-${process.pid}-${process.hrtime.bigint()}`;
}

function inTime(promise) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`not done after ${SECONDS_MAX} s`)), SECONDS_MAX * 1000);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function reason(error) {
    const cause = error?.cause ? ` (${error.cause})` : '';
    return short(`${error}${cause}`.replace(/^Error: /, '').replace(/\s+/g, ' ').trim(), 300);
}

/** Runs what was registered, or only the operations whose names start with one of the words given. */
export async function run(client) {
    const wanted = process.argv.slice(2);
    for (const { name, run: body } of operations) {
        if (wanted.length && !wanted.some((word) => name.startsWith(word))) continue;
        const line = { client, transport: process.env.PEERS_TRANSPORT, operation: name, result: 'pass', why: '' };
        try {
            await inTime(body());
        } catch (error) {
            line.result = error instanceof Skip ? 'skip' : 'fail';
            line.why = reason(error);
        }
        console.log(JSON.stringify(line));
    }
    process.exit(0); // a connection that is kept alive would hold us for seconds
}
