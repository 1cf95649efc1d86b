// ai-sdk.mjs -- the Vercel AI SDK with its provider for Google: streamText, read by its full stream.
// SPDX-License-Identifier: MIT
import { createGoogle } from '@ai-sdk/google';
import { streamText, tool } from 'ai';
import { z } from 'zod';
import { run } from './driver.mjs';

const declared = (description) => tool({ description, inputSchema: z.object({ city: z.string() }) });
const declaredTools = { get_weather: declared('get_weather'), get_time: declared('get_time') };

function take(part, seen) {
    const signature = part.providerMetadata?.google?.thoughtSignature;
    if (signature && !seen.signatures.includes(signature)) seen.signatures.push(signature);
    switch (part.type) {
    case 'text-delta': seen.text(part.text); break;
    case 'reasoning-delta': seen.thought += part.text; break;
    case 'tool-call': seen.calls.push([part.toolName, part.input]); break;
    case 'finish-step':
        // The SDK's own word for it, and the server's.
        seen.finish.set(0, part.finishReason);
        seen.block = part.rawFinishReason ?? null;
        break;
    case 'finish': seen.usage = part.totalUsage?.totalTokens ?? null; break;
    case 'error': throw part.error;
    case 'abort': throw new Error(`the stream was aborted: ${part.reason ?? 'no reason given'}`);
    }
}

const connect = ({ url, key }) => createGoogle({ apiKey: key, baseURL: `${url}/v1beta` });

async function* ask(google, { model, prompt, timeout_s, tools }, seen) {
    const { fullStream } = streamText({
        model: google(model), prompt, onError() {}, // errors are parts of the stream; the default prints them
        ...(timeout_s ? { timeout: timeout_s * 1000 } : {}), ...(tools ? { tools: declaredTools } : {}),
    });
    for await (const part of fullStream) {
        take(part, seen);
        if (part.type === 'text-delta') yield; // other parts come before the server has said anything
    }
}

await run(connect, ask);
