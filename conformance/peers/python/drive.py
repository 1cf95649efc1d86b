#!/usr/bin/env python3
# drive.py -- python drive.py CLIENT [OPERATION...]: runs one Python client's operations against pollux.
# SPDX-License-Identifier: MIT
import importlib
import sys

CLIENTS = {"google-genai": "google_genai", "openai-python": "openai_sdk", "httpx": "httpx_http2"}

importlib.import_module(CLIENTS[sys.argv[1]]).main()
