"""ask.py -- asks pollux for streamed answers until the time is over, eight at a time; prints what came of them.

Usage: ask.py URL SECONDS. With google-genai if it can be imported, else with Python's own HTTP client.
SPDX-License-Identifier: MIT
"""
import collections
import json
import sys
import threading
import time
import urllib.request

url, seconds = sys.argv[1], float(sys.argv[2])
deadline = time.monotonic() + seconds
MODEL = "gemini-3.8-flash"
PROMPTS = ["photosynthesis", "pollux: tokens 300", "pollux: block SAFETY", "top 5 programming languages"]

try:
    from google import genai

    options = {"base_url": url, "timeout": 10_000}
    client = genai.Client(api_key="test-key", http_options=options)

    def ask(prompt):
        return sum(len(chunk.text or "") for chunk in client.models.generate_content_stream(model=MODEL, contents=prompt))

except ImportError:

    def ask(prompt):
        body = json.dumps({"contents": [{"parts": [{"text": prompt}]}]}).encode()
        headers = {"x-goog-api-key": "test-key", "content-type": "application/json"}
        path = f"{url}/v1beta/models/{MODEL}:streamGenerateContent?alt=sse"
        with urllib.request.urlopen(urllib.request.Request(path, body, headers), timeout=10) as answer:
            return len(answer.read())


outcomes = collections.Counter()


def work(first):
    n = first
    while time.monotonic() < deadline:
        n += 1
        try:
            outcomes["text" if ask(PROMPTS[n % len(PROMPTS)]) else "nothing"] += 1
        except Exception as error:  # whatever a client raises on a fault is an outcome here
            outcomes[type(error).__name__] += 1


threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
endings = ", ".join(f"{name} ×{count}" for name, count in outcomes.most_common())
print(f"{outcomes.total()} calls: {endings}")
