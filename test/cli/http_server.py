#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""http_server.py SKIFF NATIVE SOURCE COMMAND...: test example/http-server.c, as a guest of SKIFF and as the program NATIVE.

COMMAND is what compiles SOURCE for WASI, but for -o; the tests of the guest are skipped where it cannot.
Prints a line for each test in the manner of TAP, and "N passed, N failed, N skipped" at the end.
"""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
from bench import TESTS, Skip, run_tests, wait_taken  # noqa: E402

TIME_LIMIT = 60
GRACE_MOST = 8  # seconds: less than what it has by default
METRIC = re.compile(r'^([a-z_]+)(\{[a-z]+="[^"]*"\})? (\d+)$')


class Ways:
    """The two ways to run the server."""

    def __init__(self, folder, skiff, native, source, compiler):
        self.skiff, self.native, self.source, self.compiler = skiff, native, source, compiler
        self.module = os.path.join(folder, "http-server.wasm")
        self.guest = None  # whether there is a module

    def compiles(self, words):
        """None, or what the compiler says."""
        try:
            done = subprocess.run(self.compiler + ["-o", self.module] + words, capture_output=True, text=True,
                                  check=False)
        except FileNotFoundError as missing:
            return str(missing)
        return done.stderr or "nothing" if done.returncode != 0 else None

    def has_guest(self):
        """Of an empty file the compiler shows whether it has all it takes."""
        if self.guest is None:
            self.guest = self.compiles(["-mexec-model=reactor", "-x", "c", "/dev/null"]) is None
            wrong = self.guest and self.compiles([self.source])
            assert not wrong, self.source + " does not compile:\n" + wrong
        return self.guest

    def command(self, way, settings, options):
        """(words, environment)"""
        if way == "native":
            return [self.native], {**os.environ, **settings}
        words = [self.skiff, "run", *options]
        for name, value in settings.items():
            words += ["--env", "%s=%s" % (name, value)]
        return words + [self.module], None


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Server:
    """A server with these settings; its first line of log says where it listens."""

    def __init__(self, ways, way, *options, listens=True, **settings):
        settings.setdefault("PORT", "0")
        self.way = way
        words, environment = ways.command(way, settings, options)
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=environment)
        self.first = json.loads(self.process.stdout.readline()) if listens else {}
        self.port = self.first.get("port")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=TIME_LIMIT)

    def client(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIME_LIMIT)

    def ask(self, path, method="GET", client=None):
        """(code, headers, text)"""
        own = client is None
        client = client or self.client()
        client.request(method, path)
        answer = client.getresponse()
        text = answer.read().decode()
        if own:
            client.close()
        return answer.status, answer.headers, text

    def metrics(self):
        """{name and labels: value}; every line is a comment or as Prometheus writes it."""
        code, headers, text = self.ask("/metrics")
        assert code == 200 and headers["Content-Type"].startswith("text/plain"), (code, headers)
        assert text.endswith("\n"), text
        found, typed = {}, set()
        for line in text[:-1].split("\n"):
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                assert kind in ("counter", "gauge") and name not in typed, line
                typed.add(name)
            elif not line.startswith("#"):
                match = METRIC.match(line)
                assert match and match[1] in typed, line
                found[match[1] + (match[2] or "")] = int(match[3])
        return found

    def end(self, code=None):
        """Its exit code is right and stderr empty; the rest of its log."""
        out, err = self.process.communicate(timeout=TIME_LIMIT)
        if code is not None:
            assert self.process.returncode == code, (self.process.returncode, out, err)
        assert err == b"", err
        return [json.loads(line) for line in out.decode().splitlines()]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.end(self.code_of_stop())

    def code_of_stop(self):
        return 0 if self.way == "native" else 128 + signal.SIGTERM


def each_way(work):
    """A test of the guest and one of the native program."""
    for way in ("guest", "native"):
        def one(ways, way=way):
            if way == "guest" and not ways.has_guest():
                raise Skip("there is no compiler for WASI here")
            work(ways, way)
        TESTS.append(("%s: %s" % (way, work.__name__.replace("_", " ")), one))
    return work


def guest_only(work):
    each_way(work)
    TESTS.pop()
    return work


def read_all(client):
    data = b""
    while True:
        more = client.recv(65536)
        if not more:
            return data
        data += more


# -- Requests ------------------------------------------------------------------------------------


@each_way
def routes(ways, way):
    with Server(ways, way) as server:
        for path, expected in (("/health", "ok\n"), ("/ready", "ready\n"), ("/", "hello\n"),
                               ("/health?x=1", "ok\n"), ("/any/other", "hello\n")):
            code, headers, text = server.ask(path)
            assert (code, text) == (200, expected), (path, code, text)
            assert headers["Connection"] == "keep-alive", headers
        code, headers, text = server.ask("/health", "HEAD")
        assert (code, headers["Content-Length"], text) == (200, "3", ""), (code, headers, text)
        server.stop()


@each_way
def metrics(ways, way):
    with Server(ways, way) as server:
        before = server.metrics()
        for _ in range(7):
            server.ask("/")
        with server.connect() as client:
            client.sendall(b"nonsense\r\n\r\n")
            assert read_all(client).startswith(b"HTTP/1.1 400 ")
        after = server.metrics()
        grown = {name: after[name] - before[name] for name in before}
        assert grown['http_requests_total{code="2xx"}'] == 8, grown
        assert grown['http_requests_total{code="4xx"}'] == 1, grown
        assert grown["http_connections_total"] == 9, grown
        assert grown["http_response_bytes_total"] > 7 * 60, grown
        assert after["http_connections_open"] >= 1, after


@each_way
def keep_alive(ways, way):
    with Server(ways, way, KEEPALIVE="1") as server:
        client = server.client()
        client.connect()
        sock = client.sock
        for _ in range(20):
            begin = time.monotonic()
            assert server.ask("/health", client=client)[0] == 200
            assert client.sock is sock, "the connection stays"
        assert sock.recv(1) == b"", "an idle connection ends"
        assert 0.1 < time.monotonic() - begin < TIME_LIMIT / 2
        client.close()
        with server.connect() as client:
            client.sendall(b"GET /health HTTP/1.1\r\n\r\n" * 50 + b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
            data = read_all(client)
            assert data.count(b"HTTP/1.1 200 OK\r\n") == 51 and data.endswith(b"hello\n"), data[-300:]
        with server.connect() as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert read_all(client).endswith(b"Connection: close\r\n\r\nhello\n")


@each_way
def requests_in_pieces(ways, way):
    with Server(ways, way) as server, server.connect() as client:
        for byte in b"POST /health HTTP/1.1\r\nContent-Length: 30\r\n\r\n":
            client.sendall(bytes([byte]))
        for _ in range(30):
            client.sendall(b"\n")
        client.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        data = read_all(client)
        assert data.count(b"HTTP/1.1 200 OK\r\n") == 2 and data.endswith(b"hello\n"), data


@each_way
def requests_too_large(ways, way):
    with Server(ways, way) as server:
        with server.connect() as client:
            client.sendall(b"GET / HTTP/1.1\r\nX: " + b"y" * 9000)
            assert read_all(client).startswith(b"HTTP/1.1 431 ")
        assert server.ask("/health")[0] == 200


@each_way
def fifty_connections(ways, way):
    wrong = []

    def work(server, gate):
        try:
            client = server.client()
            client.connect()
            gate.wait(TIME_LIMIT)
            for _ in range(20):
                if server.ask("/", client=client)[::2] != (200, "hello\n"):
                    wrong.append("answer")
            client.close()
        except Exception as mistake:  # pylint: disable=broad-except
            wrong.append(repr(mistake))

    with Server(ways, way) as server:
        gate = threading.Barrier(50)
        threads = [threading.Thread(target=work, args=(server, gate)) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong, wrong[:5]
        now = server.metrics()
        assert now['http_requests_total{code="2xx"}'] == 1000, now
        assert now["http_connections_total"] == 51, now
        server.stop()


# -- Settings and logs ---------------------------------------------------------------------------


@each_way
def settings(ways, way):
    port = free_port()
    with Server(ways, way, PORT=str(port), HOST="127.0.0.1", GREETING='good "day"') as server:
        assert server.port == port, server.first
        assert server.ask("/")[2] == 'good "day"\n'


@each_way
def settings_that_are_wrong(ways, way):
    for name, value in (("PORT", "x"), ("PORT", "65536"), ("PORT", "-1"), ("KEEPALIVE", "1s"), ("HOST", "1.2.3"),
                        ("HOST", "1.2.3.256"), ("LOG_LEVEL", 'lo"ud'), ("GREETING", "x" * 5000)):
        with Server(ways, way, listens=False, **{name: value}) as server:
            log = server.end(2)
            assert [(line["level"], line["name"]) for line in log] == [("error", name)], log
            assert log[0]["value"] in (value, "too long"), log


@each_way
def port_in_use(ways, way):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Server(ways, way, listens=False, PORT=str(port)) as server:
            log = server.end(1)
            assert log[0]["level"] == "error" and log[0]["port"] == port and log[0]["error"], log


@each_way
def logs(ways, way):
    with Server(ways, way, LOG_LEVEL="debug") as server:
        assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", server.first["time"]), server.first
        assert (server.first["level"], server.first["message"]) == ("info", "listening"), server.first
        with server.connect() as client:
            client.sendall(b"GET /a\"b\\c\x01\xc3\xa9 HTTP/1.1\r\nConnection: close\r\n\r\n")
            read_all(client)
        server.ask("/health", "HEAD")
        log = [line for line in server.stop() if line["message"] == "request"]
        assert [(line["method"], line["path"]) for line in log] == [
            ("GET", '/a"b\\c\x01\xc3\xa9'), ("HEAD", "/health")], log
    port = free_port()
    with Server(ways, way, listens=False, LOG_LEVEL="error", PORT=str(port)) as server:
        end = time.monotonic() + TIME_LIMIT
        while socket.socket().connect_ex(("127.0.0.1", port)) != 0:
            assert time.monotonic() < end, "it listens"
            time.sleep(0.01)
        assert server.stop() == []


# -- The end -------------------------------------------------------------------------------------


def assert_refused(server):
    """A first connection may come between; the native server leaves new ones waiting until it ends."""
    for _ in range(50):
        try:
            with socket.create_connection(("127.0.0.1", server.port), timeout=0.2) as late:
                late.sendall(b"GET /health HTTP/1.1\r\n\r\n")
                assert late.recv(1) == b"", "a new connection is not answered"
        except ConnectionRefusedError:
            return
        except OSError:
            if server.way == "native":
                return
        time.sleep(0.02)
    raise AssertionError("new connections are refused")


def end_in_flight(ways, way, *options, **more):
    """SIGTERM while requests are half sent: these are answered, new connections are not taken."""
    with Server(ways, way, *options, **more) as server:
        clients = [server.connect() for _ in range(10)]
        for client in clients:
            client.sendall(b"GET /health HTTP/1.1\r\n")
        wait_taken(server.port)
        begin = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        assert_refused(server)
        assert server.process.poll() is None, "those in flight may finish"
        for client in clients[:5]:
            client.sendall(b"Connection: close\r\n\r\n")
        for client in clients[5:]:
            client.sendall(b"\r\n")
        for client in clients[:5]:
            assert read_all(client).endswith(b"\r\n\r\nok\n")
        for client in clients[5:]:
            assert client.recv(4096).endswith(b"\r\n\r\nok\n")
        for client in clients:
            client.close()
        server.end(server.code_of_stop())
        assert time.monotonic() - begin < GRACE_MOST, "it does not wait for more than these"
        assert_refused(server)


@each_way
def sigterm_in_flight(ways, way):
    end_in_flight(ways, way)


@each_way
def sigterm_without_connections(ways, way):
    with Server(ways, way) as server:
        begin = time.monotonic()
        server.stop()
        assert time.monotonic() - begin < GRACE_MOST


@guest_only
def sigterm_and_a_client_that_stays(ways, way):
    with Server(ways, way, "--grace", "500ms") as server, server.connect() as client:
        client.sendall(b"GET /health HTTP/1.1\r\n")
        wait_taken(server.port)
        begin = time.monotonic()
        server.stop()
        assert 0.4 < time.monotonic() - begin < GRACE_MOST


@guest_only
def tcplisten(ways, way):
    with Server(ways, way, "--tcplisten", "127.0.0.1:0", LISTEN_FDS="1", PORT="1") as server:
        assert server.port > 1, "the log says which port it is"
        assert server.ask("/ready")[0] == 200
    port = free_port()
    end_in_flight(ways, way, "--tcplisten", "127.0.0.1:%d" % port, LISTEN_FDS="1")


@guest_only
def no_network(ways, way):
    with Server(ways, way, "--no-network", listens=False) as server:
        log = server.end(1)
        assert log[0]["message"] == "cannot listen", log


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    skiff, native, source = map(os.path.abspath, sys.argv[1:4])
    with tempfile.TemporaryDirectory(prefix="skiff-http-") as folder:
        return run_tests(Ways(folder, skiff, native, source, sys.argv[4:]), [])


if __name__ == "__main__":
    sys.exit(main())
