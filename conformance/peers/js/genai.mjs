// genai.mjs -- all operations of Google's SDK for JavaScript.
// SPDX-License-Identifier: MIT
import './genai/generate.mjs';
import './genai/tools.mjs';
import './genai/stores.mjs';
import './genai/interactions.mjs';
import './genai/errors.mjs';
import { run } from './harness.mjs';

await run('@google/genai');
