# stage.py -- where a case is played to a client: a twin of its own in the clear and one over TLS, a witness on another
# address, and the client's driver, which is ended when it takes too long and started anew.
# SPDX-License-Identifier: MIT
import contextlib
import http.server
import json
import os
import pathlib
import queue
import re
import select
import socket
import socketserver
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import urllib.request

LIMIT_S = 20  # for a case; a longer silence of the server is for ever to us
START_S = 30  # for a driver, or a twin, to start on a machine with much to do
KEY = "scoreboard-key"
MODEL = "gemini-3.8-flash"


_started = set()  # processes, so that a signal leaves nobody behind


def start(command, **how):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8", **how)
    _started.add(process)
    return process


def stop(process):
    process.kill()
    process.wait()
    process.stdout.close()
    _started.discard(process)


def leave(number, _):
    """For signals: threads may be anywhere."""
    for process in list(_started):
        process.kill()
    os._exit(128 + number)


class Twin:
    """A pollux with all cases. It counts requests by itself; faults are armed by control calls."""

    def __init__(self, program, scripts, *options, context=None):
        words = [program, "--port", "0", "--instant", "--quiet", *options]
        for script in sorted(scripts.glob("*.md")):
            words += ["--script", str(script)]
        self.process = start(words, stderr=subprocess.DEVNULL)
        line = self.process.stdout.readline()
        found = re.search(r"listening on (\S+)", line)
        if not found:
            raise SystemExit(f"pollux did not start: {line}")
        self.url = found[1]
        self.context = context and context()

    def control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/pollux/{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=START_S, context=self.context) as answer:
            text = answer.read()
            return json.loads(text) if text[:1] in b"{[" else None

    def requests(self):
        return self.control("GET", "stats")["requests"]

    def stop(self):
        stop(self.process)


class Witness(http.server.BaseHTTPRequestHandler):
    """Another host, as far as a client can tell: it notes where the key is in what comes, and has nothing to give."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        leaks = [name for name, value in self.headers.items() if KEY in value]
        if KEY in self.path:
            leaks.append("the URL")
        self.server.leaks += leaks
        self.send_response(404)
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_):
        pass


class Herald(socketserver.BaseRequestHandler):
    """Stands before the twin, and sends interim answers ahead of its first one."""

    def handle(self):
        with socket.create_connection(self.server.twin) as twin:
            threading.Thread(target=pump, args=(self.request, twin), daemon=True).start()
            first = twin.recv(65536)
            self.request.sendall(self.server.words + first)
            pump(twin, self.request)


def pump(source, sink):
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)


class Doorman(socketserver.BaseRequestHandler):
    """Stands before the twin, and does something behind the end of the first answer that passes."""

    def handle(self):
        with socket.create_connection(self.server.twin) as twin:
            other, last = {self.request: twin, twin: self.request}, b""
            with contextlib.suppress(OSError):
                while True:
                    for side in select.select(list(other), [], [])[0]:
                        if not (piece := side.recv(65536)):
                            return
                        last = (last + piece)[-len(LAST_CHUNK):] if side is twin else last
                        if last == LAST_CHUNK and self.server.deed:
                            if self.do(piece):
                                return
                        else:
                            other[side].sendall(piece)

    def do(self, end):
        """Once a case. Returns whether that is the end of the connection."""
        deed, self.server.deed = self.server.deed, ""
        if deed == "stray":  # in one piece with what it follows
            self.request.sendall(end + STRAY)
            return False
        self.request.sendall(end)
        time.sleep(APART_S)
        if deed == "late stray":
            self.request.sendall(STRAY)
            return False
        if deed == "408":
            self.request.sendall(EXPIRED)
        if deed == "reset":
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.request.close()
        return True


LAST_CHUNK = b"0\r\n\r\n"
APART_S = 0.05  # so that the answer before is read, and its connection kept, when the deed is done
EXPIRED = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
STRAY_BODY = b'data: ' + json.dumps({  # whole in either dialect
    "candidates": [{"content": {"parts": [{"text": "Otters swim."}], "role": "model"}, "finishReason": "STOP"}],
    "id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m",
    "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Otters swim."}, "finish_reason": "stop"}],
}).encode() + b"\n\n"
STRAY_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n"
STRAY = STRAY_HEAD % len(STRAY_BODY) + STRAY_BODY
INTERIM = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n"


def serve(server, **facts):
    """The server on a thread of its own, on a free port."""
    server.daemon_threads = True
    for name, value in facts.items():
        setattr(server, name, value)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Driver:
    """The client's process: a line in, a line out."""

    def __init__(self, command, authority):
        environment = {**os.environ, "SSL_CERT_FILE": authority, "NODE_EXTRA_CA_CERTS": authority}
        self.noise = tempfile.TemporaryFile("w+")
        self.process = start(command, stdin=subprocess.PIPE, stderr=self.noise, env=environment)
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()
        if not self.lines.get(timeout=START_S):
            raise SystemExit(f"{command[0]} did not start: {self.last_words()}")

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def ask(self, question, limit_s):
        """What the driver says; None: it died. Raises queue.Empty when it says nothing in time."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(question) + "\n")
            self.process.stdin.flush()
        line = self.lines.get(timeout=limit_s)
        return line and json.loads(line)

    def cpu_s(self):
        """Seconds of CPU so far, those of children that ended included: on a busy machine the clock tells nothing."""
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(map(int, stat[11:15])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        stop(self.process)

    def last_words(self):
        self.noise.seek(0)
        return " ".join(self.noise.read().split())[-300:]


class Stage:
    def __init__(self, program, scripts, client):
        self.client = client
        self.place = tempfile.TemporaryDirectory()
        self.authority = str(pathlib.Path(self.place.name) / "authority.pem")
        self.clear = Twin(program, scripts)
        self.tls = Twin(program, scripts, "--tls", "--tls-ca-out", self.authority,
                        context=lambda: ssl.create_default_context(cafile=self.authority))
        self.witness = serve(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Witness), leaks=[])
        address = ("127.0.0.1", int(self.clear.url.rsplit(":", 1)[1]))
        self.herald = serve(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Herald), twin=address, words=INTERIM)
        self.doorman = serve(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Doorman), twin=address, deed="")
        self.driver = None
        self.cpu_s = {}  # of each case

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.driver:
            self.driver.stop()
        self.clear.stop()
        self.tls.stop()
        for server in (self.witness, self.herald, self.doorman):
            server.shutdown()
            server.server_close()
        self.place.cleanup()

    def arm(self, twin, case):
        """- arm: [COUNT x ]FAULT[ after COUNT]; the witness's address stands for WITNESS."""
        if not case.has("arm"):
            return
        count, fault, after = re.fullmatch(r"(?:(\d+) x )?(.*?)(?: after (\d+))?", case.keys["arm"]).groups()
        fault = fault.replace("WITNESS", f"http://localhost:{self.witness.server_port}")
        arming = {"fault": fault, "count": int(count or 0), "after": int(after or 0), "path": "/v1"}
        twin.control("POST", "faults", arming)

    def url(self, twin, case):
        for key, server in (("interim", self.herald), ("behind", self.doorman)):
            if case.has(key):
                return f"http://127.0.0.1:{server.server_address[1]}"
        return twin.url

    def question(self, twin, case):
        before = {"prompt": case.keys.get("before"), "leave": case.has("leave"), "pause_s": case.number("pause")}
        return {"url": self.url(twin, case), "before": before if case.has("before") else None,
                "prompt": case.name, "model": case.keys.get("model", MODEL), "key": KEY,
                "authority": self.authority if twin is self.tls else None,
                "timeout_s": int(case.number("timeout")) or None, "tools": case.has("tools"),
                "candidates": int(case.number("candidates", 1))}

    def play(self, case):
        """The fastest of so many plays as the case asks for; one that failed is the last."""
        plays = []
        for _ in range(int(case.number("repeat", 1))):
            plays.append(self.play_once(case))
            seen = plays[-1][0]
            if seen is None or seen["error"]:
                return plays[-1]
        best = min(plays, key=lambda play: play[1]["cpu_s"])
        self.cpu_s[case.name] = best[1]["cpu_s"]
        return best

    def play_once(self, case):
        """What the driver told of the case, or None, and what else was seen of it."""
        world = {"end": "", "end_why": "", "leaks": self.witness.leaks, "requests": 0, "gap": 0.0, "cpu_s": 0.0,
                 "cpu_s_of": self.cpu_s}
        twin = self.tls if case.keys.get("transport") == "tls" else self.clear
        self.witness.leaks.clear()
        self.arm(twin, case)
        self.doorman.deed = case.keys.get("behind", "")
        before = twin.requests()
        self.driver = self.driver or Driver(self.client.command, self.authority)
        seen = None
        begin, cpu_s = time.monotonic(), self.driver.cpu_s()
        try:
            seen = self.driver.ask(self.question(twin, case), case.number("limit", LIMIT_S))
            world["cpu_s"] = self.driver.cpu_s() - cpu_s
            if seen is None:
                world["end"], world["end_why"] = "crash", f"the process died: {self.driver.last_words()}"
        except queue.Empty:
            world["end"], world["end_why"] = "hang", f"nothing after {time.monotonic() - begin:.0f} s"
        if seen is None:
            self.driver.stop()
            self.driver = None
        world["requests"] = twin.requests() - before
        world["gap"] = seen["seconds"] if seen else 0.0
        twin.control("DELETE", "faults")
        return seen, world
