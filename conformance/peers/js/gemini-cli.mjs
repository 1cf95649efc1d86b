// gemini-cli.mjs -- Google's command line client, headless, in a home directory of its own.
// SPDX-License-Identifier: MIT
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CASES, MODELS, PROMPTS, SCRATCH, URL_BASE, expect, operation, run, same, short } from './harness.mjs';

const GEMINI = new URL('./node_modules/@google/gemini-cli/bundle/gemini.js', import.meta.url).pathname;
const SETTINGS = {
    security: { auth: { selectedType: 'gemini-api-key' } },
    general: { enableAutoUpdate: false, enableAutoUpdateNotification: false },
    privacy: { usageStatisticsEnabled: false },
    telemetry: { enabled: false },
    skills: { enabled: false },
};

const start = promisify(execFile);

/** Runs the command in an empty folder; an exit status other than 0 is in the result too. */
async function gemini(words, { key = CASES.key } = {}) {
    const home = await mkdtemp(join(SCRATCH, 'gemini-cli-'));
    const cwd = join(home, 'work');
    try {
        await mkdir(join(home, '.gemini'));
        await mkdir(cwd);
        await writeFile(join(cwd, 'beaver.txt'), 'Beavers build dams.\n');
        await writeFile(join(home, '.gemini', 'settings.json'), JSON.stringify(SETTINGS));
        const env = {
            PATH: process.env.PATH, HOME: home, NO_COLOR: '1', GEMINI_API_KEY: key, GOOGLE_GEMINI_BASE_URL: URL_BASE,
            GEMINI_CLI_TRUST_WORKSPACE: 'true', GEMINI_CLI_NO_RELAUNCH: 'true',
        };
        if (process.env.NODE_EXTRA_CA_CERTS) env.NODE_EXTRA_CA_CERTS = process.env.NODE_EXTRA_CA_CERTS;
        const running = start(process.execPath, [GEMINI, ...words], { cwd, env, timeout: 28000 });
        running.child.stdin.end();
        return { ...(await running.catch((error) => error)), status: running.child.exitCode };
    } finally {
        await rm(home, { recursive: true, force: true });
    }
}

function checkDone({ status, stderr }) {
    same(status, 0, `the exit status (${short(stderr, 200)})`);
}

operation('cli.text', async () => {
    const result = await gemini(['-m', MODELS.text, '-p', PROMPTS.plain]);
    checkDone(result);
    expect(result.stdout.includes('sunlight'), `the answer is ${short(result.stdout)}`);
});

operation('cli.json', async () => {
    const result = await gemini(['-m', MODELS.text, '-o', 'json', '-p', PROMPTS.plain]);
    checkDone(result);
    const { response, stats } = JSON.parse(result.stdout);
    expect(response, 'there is no response');
    const [{ tokens }] = Object.values(stats.models);
    expect(tokens.prompt > 0 && tokens.total > tokens.prompt, `the tokens are ${short(tokens)}`);
});

operation('cli.stream_json', async () => {
    const result = await gemini(['-m', MODELS.text, '-o', 'stream-json', '-p', PROMPTS.plain]);
    checkDone(result);
    const lines = result.stdout.trim().split('\n').map((line) => JSON.parse(line));
    const pieces = lines.filter((line) => line.type === 'message' && line.role === 'assistant');
    expect(pieces.length > 1, `${pieces.length} piece came, so nothing was streamed`);
    same(lines.at(-1).status, 'success', 'the result');
});

operation('cli.router', async () => {
    const result = await gemini(['-o', 'json', '-p', PROMPTS.plain]);
    checkDone(result);
    const { response, stats } = JSON.parse(result.stdout);
    expect(response, 'there is no response');
    same(Object.keys(stats.models).length, 2, 'the models asked: the router and the one that answers');
});

operation('cli.tool', async () => {
    const result = await gemini(['-m', MODELS.text, '-o', 'json', '-p', PROMPTS.directory]);
    checkDone(result);
    const { response, stats } = JSON.parse(result.stdout);
    same([stats.tools.totalCalls, stats.tools.totalSuccess], [1, 1], 'the calls of tools');
    expect(response, 'there is no response after the call');
});

operation('cli.bad_key', async () => {
    const { status, stdout, stderr } = await gemini(['-m', MODELS.text, '-p', PROMPTS.short], { key: 'bad-key' });
    expect(status !== 0, 'the exit status is 0');
    expect(`${stdout}${stderr}`.includes('API key not valid'), `it says ${short(stderr)}`);
});

await run('gemini-cli');
