# google_genai.py -- all operations of Google's SDK for Python; importing a module registers what is in it.
# SPDX-License-Identifier: MIT
import harness


def main():
    for part in ("generate", "tools", "stores", "interactions", "errors"):
        __import__("genai_" + part)
    harness.run("google-genai")
