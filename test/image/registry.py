#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""registry.py SKIFF [WORD...]: pull and push, with Debian's docker-registry on loopback: plain, with TLS, with passwords.

Prints a line for each test in the manner of TAP, and "N passed, N failed, N skipped" at the end. WORDs choose tests by their titles.
"""

import ctypes
import http.client
import http.server
import json
import os
import pty
import select
import shutil
import socket
import subprocess
import sys
import threading
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from world import EMPTY_MODULE, Folder, Image, Index, Store, certificate, digest, hello, wait_for  # noqa: E402
from tap import SkipAll, run_tests, test  # noqa: E402

SERVER = "docker-registry"
USER, PASSWORD = "anna", "geheim:mit doppelpunkt"
MEGABYTE = 1 << 20


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def bcrypt(password):
    """What docker-registry takes in a file of passwords; libcrypt makes it."""
    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype = ctypes.c_char_p
    return crypt(password.encode(), b"$2b$05$abcdefghijklmnopqrstuu").decode()


class Registry:
    def __init__(self, folder, name, tls=None, password=False):
        self.port = free_port()
        self.host = "localhost:%d" % self.port
        self.tls = tls
        path = os.path.join(folder.path, name)
        os.makedirs(path)
        lines = ["version: 0.1", "log: {level: error}", "storage: {filesystem: {rootdirectory: %s/data}}" % path,
                 "http:", "  addr: 127.0.0.1:%d" % self.port]
        if tls:
            lines += ["  tls: {certificate: %s, key: %s}" % tls]
        if password:
            with open(path + "/htpasswd", "w", encoding="utf-8") as file:
                file.write("%s:%s\n" % (USER, bcrypt(PASSWORD)))
            lines += ["auth: {htpasswd: {realm: tests, path: %s/htpasswd}}" % path]
        with open(path + "/config.yml", "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        with open(path + "/log", "w", encoding="utf-8") as log:
            folder.processes.append(subprocess.Popen([SERVER, "serve", path + "/config.yml"], stdout=log, stderr=log))
        wait_for(self.answers, what="docker-registry")

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return True
        except OSError:
            return False

    def get(self, path, accept="application/vnd.oci.image.manifest.v1+json"):
        request = urllib.request.Request("http://%s/v2/%s" % (self.host, path), headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read()


class Cutter:
    """A proxy for bytes that ends connections after so many: each but the last of its limits is one connection's."""

    def __init__(self, port, up=(), down=()):
        self.target, self.up, self.down = port, list(up), list(down)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.host = "localhost:%d" % self.server.getsockname()[1]
        self.cuts = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        up = down = 0
        with client, socket.create_connection(("127.0.0.1", self.target)) as server:
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    try:
                        data = ready.recv(65536)
                        if not data:
                            return
                        (server if ready is client else client).sendall(data)
                    except OSError:
                        return
                    up += len(data) if ready is client else 0
                    down += len(data) if ready is server else 0
                    if self.up and up > self.up[0]:
                        self.up.pop(0)
                        self.cuts += 1
                        return
                    if self.down and down > self.down[0]:
                        self.down.pop(0)
                        self.cuts += 1
                        return

    def close(self):
        self.server.close()


class Bench:
    def __init__(self, skiff, folder):
        self.skiff, self.folder = skiff, folder
        self.made = {}
        self.stores = 0

    def server(self, name):
        if shutil.which(SERVER) is None:
            raise SkipAll("there is no docker-registry (Debian: apt-get install docker-registry)")
        if name not in self.made:
            tls = None
            if name != "plain":
                if "tls-files" not in self.made:
                    self.made["tls-files"] = certificate(self.folder.path)
                tls = self.made["tls-files"]
            self.made[name] = Registry(self.folder, name, tls, name == "locked")
        return self.made[name]

    def ca(self):
        return self.made["tls-files"][0]

    def store(self):
        self.stores += 1
        return Store(self.skiff, os.path.join(self.folder.path, "s%d" % self.stores))


@test
def push_then_pull(b):
    registry, here, there = b.server("plain"), b.store(), b.store()
    image = hello()
    name = registry.host + "/team/hello:1"
    here.put(name, image)
    out = here.good("push", name)
    assert image.digest in out and "hello:1" in out, out
    out = there.good("pull", name)
    assert image.digest in out and "up to date" not in out, out
    assert there.has(image) and name in there.names()
    out = there.good("pull", name)
    assert "up to date" in out, out
    assert there.good("pull", "-q", name) == image.digest + "\n"


@test
def pull_by_digest_twice_needs_no_registry(b):
    registry, here, there = b.server("plain"), b.store(), b.store()
    image = hello(b"by digest")
    here.put(registry.host + "/digest:1", image)
    here.good("push", registry.host + "/digest:1")
    there.good("pull", registry.host + "/digest@" + image.digest)
    name = "localhost:%d/digest@%s" % (free_port(), image.digest)
    assert "," in there.good("pull", name)


@test
def an_index_and_one_platform_of_it(b):
    registry, here, there = b.server("plain"), b.store(), b.store()
    wasm, linux = hello(b"wasm"), Image([{"bin/sh": b"#!"}], "linux/s390x")
    index = Index([linux, wasm])
    name = registry.host + "/many:1"
    here.put(name, index)
    here.good("push", name)
    out = there.good("pull", name)
    assert index.digest in out, out
    assert there.has(wasm) and not there.has(linux) and there.names()[name]["digest"] == index.digest
    there.bad("pull --all-platforms", "push", "--to", registry.host + "/again:1", name)
    there.good("push", "--platform", "wasi/wasm", "--to", registry.host + "/again:1", name)
    assert digest(registry.get("again/manifests/1")) == wasm.digest
    err = there.bad("", "pull", "--platform", "plan9/mips", name)
    assert "wasi/wasm" in err and "linux/s390x" in err, err
    there.good("pull", "--all-platforms", name)
    assert there.has(index)
    there.good("push", "--to", registry.host + "/again:2", name)


@test
def mounted_from_another_repository(b):
    registry, here = b.server("plain"), b.store()
    shared = {"base": os.urandom(100000)}
    one, two = Image([shared, {"a": b"1"}]), Image([shared, {"a": b"2"}])
    here.put(registry.host + "/mount/one:1", one)
    here.good("push", registry.host + "/mount/one:1")
    here.put(registry.host + "/mount/two:1", two)
    with Wire(registry.port) as wire:
        here.good("push", "--to", wire.host + "/mount/one:2", registry.host + "/mount/one:1")
        assert not any(line.startswith(("POST", "PATCH")) for line in wire.lines), wire.lines
        # By the name of the proxy it is another registry, so the other name has to be of that one as well.
        here.put(wire.host + "/mount/one:1", one)
        here.put(wire.host + "/mount/two:1", two)
        here.good("push", wire.host + "/mount/two:1")
        mounts = [line for line in wire.lines if "mount=" in line]
        assert any(shared_digest(one) in line and "from=mount%2Fone" in line for line in mounts), wire.lines


def shared_digest(image):
    return image.layers[0]["digest"].replace(":", "%3A")


class Wire:
    """A proxy that notes the first lines of requests."""

    def __init__(self, port):
        self.port, self.lines = port, []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.host = "localhost:%d" % self.server.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.close()

    def accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, socket.create_connection(("127.0.0.1", self.port)) as server:
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    try:
                        data = ready.recv(65536)
                        if not data:
                            return
                        (server if ready is client else client).sendall(data)
                    except OSError:
                        return
                    if ready is client:
                        for verb in (b"GET ", b"HEAD ", b"POST ", b"PUT ", b"PATCH "):
                            if data.startswith(verb):
                                self.lines.append(data.split(b"\r\n")[0].decode())


@test
def in_chunks(b):
    registry, here, there = b.server("plain"), b.store(), b.store()
    image = hello(b"chunks", 3 * MEGABYTE)
    here.put(registry.host + "/chunks:1", image)
    with Wire(registry.port) as wire:
        here.good("push", "--to", wire.host + "/chunks:1", registry.host + "/chunks:1",
                  env={"SKIFF_PUSH_CHUNK": str(MEGABYTE)})
        assert sum(line.startswith("PATCH") for line in wire.lines) == 4, wire.lines
    there.good("pull", registry.host + "/chunks:1")
    assert there.has(image)


@test
def a_push_that_is_cut(b):
    registry, here, there = b.server("plain"), b.store(), b.store()
    image = hello(b"cut push", 4 * MEGABYTE)
    here.put(registry.host + "/cut:1", image)
    quick = {"SKIFF_RETRY_PAUSE": "50"}
    for tag, more in (("whole", {}), ("pieces", {"SKIFF_PUSH_CHUNK": str(MEGABYTE)})):
        cutter = Cutter(registry.port, up=[600000, 900000, 1300000])
        here.good("push", "--to", "%s/cut-%s:1" % (cutter.host, tag), registry.host + "/cut:1",
                  env={**quick, **more})
        assert cutter.cuts >= 2, cutter.cuts
        cutter.close()
        there.clear()
        there.good("pull", "%s/cut-%s:1" % (registry.host, tag))
        assert there.has(image)


@test
def a_pull_that_is_cut(b):
    registry, here, there = b.server("plain"), b.store(), b.store()
    image = hello(b"cut pull", 4 * MEGABYTE)
    here.put(registry.host + "/cutpull:1", image)
    here.good("push", registry.host + "/cutpull:1")
    cutter = Cutter(registry.port, down=[500000, 1500000, 700000])
    there.good("pull", cutter.host + "/cutpull:1", env={"SKIFF_RETRY_PAUSE": "50"})
    assert cutter.cuts == 3 and there.has(image), cutter.cuts
    cutter.close()


@test
def killed_in_the_middle(b):
    registry, here, there = b.server("plain"), b.store(), b.store()
    image = hello(b"killed", 8 * MEGABYTE)
    here.put(registry.host + "/killed:1", image)
    here.good("push", registry.host + "/killed:1")
    # A proxy that stops in the middle, and never goes on.
    held = Holder(registry.port, 3 * MEGABYTE)
    process = there.start("pull", held.host + "/killed:1")
    wait_for(held.is_holding, what="the stall")
    process.kill()
    process.communicate()
    held.close()
    there.check()
    assert not there.names()
    with Wire(registry.port) as wire:
        there.good("pull", wire.host + "/killed:1")
    assert there.has(image)


class Holder(Cutter):
    def __init__(self, port, limit):
        self.limit, self.holding = limit, threading.Event()
        super().__init__(port)

    def is_holding(self):
        return self.holding.is_set()

    def serve(self, client):
        down = 0
        with client, socket.create_connection(("127.0.0.1", self.target)) as server:
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    try:
                        data = ready.recv(65536)
                        if not data:
                            return
                        down += len(data) if ready is server else 0
                        if down > self.limit:
                            self.holding.set()
                            client.recv(1)
                            return
                        (server if ready is client else client).sendall(data)
                    except OSError:
                        return


@test
def interrupted_by_hand(b):
    registry, here, there = b.server("plain"), b.store(), b.store()
    image = hello(b"interrupted", 8 * MEGABYTE)
    here.put(registry.host + "/interrupted:1", image)
    here.good("push", registry.host + "/interrupted:1")
    held = Holder(registry.port, 3 * MEGABYTE)
    process = there.start("pull", held.host + "/interrupted:1")
    wait_for(held.is_holding, what="the stall")
    process.send_signal(2)
    process.communicate(timeout=20)
    assert process.returncode in (-2, 130), process.returncode
    held.close()
    parts = os.listdir(os.path.join(there.path, "partial"))
    assert parts, "what had come is gone"
    there.good("pull", registry.host + "/interrupted:1")
    assert there.has(image)


@test
def two_pulls_at_once(b):
    registry, here, there = b.server("plain"), b.store(), b.store()
    image = hello(b"at once", 4 * MEGABYTE)
    here.put(registry.host + "/once:1", image)
    here.good("push", registry.host + "/once:1")
    both = [there.start("pull", registry.host + "/once:1") for _ in range(3)]
    for process in both:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert there.has(image)


@test
def what_is_not_there(b):
    registry, here = b.server("plain"), b.store()
    here.put(registry.host + "/tags:1", hello())
    for tag in range(12):
        here.good("push", "--to", "%s/tags:v%02d" % (registry.host, tag), registry.host + "/tags:1")
    err = here.bad("no such tag 'nope'", "pull", registry.host + "/tags:nope")
    assert "v00" in err and "others" in err, err
    here.bad("no repository 'nothing'", "pull", registry.host + "/nothing:1")
    here.bad("digest", "pull", registry.host + "/tags@sha256:" + "0" * 64)
    here.bad("", "pull", "localhost:%d/x" % free_port(), limit=30)


@test
def by_tls(b):
    registry, here, there = b.server("tls"), b.store(), b.store()
    image = hello(b"tls")
    here.put(registry.host + "/tls:1", image)
    here.bad("certificate is not trusted", "push", registry.host + "/tls:1")
    here.bad("holds no certificate", "push", "--cacert", "/etc/passwd", registry.host + "/tls:1")
    here.bad("nothing.pem", "push", "--cacert", "/nothing.pem", registry.host + "/tls:1")
    wrong = certificate(here.folder, "wrong")[0]
    here.bad("certificate is not trusted", "push", "--cacert", wrong, registry.host + "/tls:1")
    here.good("push", "--cacert", b.ca(), registry.host + "/tls:1")
    # What nobody vouches for is no reason to do without TLS.
    there.bad("certificate is not trusted", "pull", "--plain-http", registry.host + "/tls:1")
    there.good("pull", registry.host + "/tls:1", env={"SSL_CERT_FILE": b.ca()})
    assert there.has(image)
    file = os.path.join(there.folder, "registries.toml")
    with open(file, "w", encoding="utf-8") as out:
        out.write('["%s"]\ncacert = "%s"\n' % (registry.host, b.ca()))
    there.clear()
    there.good("pull", registry.host + "/tls:1", env={"SKIFF_REGISTRIES": file})


def auth_file(store):
    with open(os.path.join(store.home, ".docker", "config.json"), encoding="utf-8") as file:
        return json.load(file)


@test
def by_password(b):
    registry, here, there = b.server("locked"), b.store(), b.store()
    image, name = hello(b"locked"), registry.host + "/locked:1"
    here.put(name, image)
    tls = ("--cacert", b.ca())
    here.bad("skiff login " + registry.host, "push", *tls, name)
    err = here.bad("refuses 'anna'", "push", *tls, "--creds", USER + ":falsch", name)
    assert "falsch" not in err, err
    here.good("push", *tls, "--creds", "%s:%s" % (USER, PASSWORD), name)
    there.good("pull", *tls, "-u", USER, "--password-stdin", name, stdin=PASSWORD + "\n")
    assert there.has(image)


@test
def login_and_logout(b):
    registry, store = b.server("locked"), b.store()
    name, tls = registry.host + "/login:1", ("--cacert", b.ca())
    store.put(name, hello(b"login"))
    os.makedirs(store.home + "/.docker")
    path = store.home + "/.docker/config.json"
    with open(path, "w", encoding="utf-8") as file:
        file.write('{"detachKeys": "ctrl-e,e", "number": 1.50e3, "auths": {"other.example": {"auth": "YTpi", "x": [1]}}}')
    store.bad("refuses 'anna'", "login", *tls, "-u", USER, "--password-stdin", registry.host, stdin="falsch")
    assert registry.host not in auth_file(store)["auths"]
    out = store.good("login", *tls, "-u", USER, "--password-stdin", registry.host, stdin=PASSWORD + "\n")
    assert PASSWORD not in out and "logged in" in out, out
    kept = auth_file(store)
    assert kept["detachKeys"] == "ctrl-e,e" and kept["auths"]["other.example"] == {"auth": "YTpi", "x": [1]}, kept
    with open(path, encoding="utf-8") as file:
        assert "1.50e3" in file.read()
    assert os.stat(path).st_mode & 0o777 == 0o600, oct(os.stat(path).st_mode)
    store.good("push", *tls, name)
    assert "logged out" in store.good("logout", registry.host)
    assert registry.host not in auth_file(store)["auths"] and "other.example" in auth_file(store)["auths"]
    assert "nobody was" in store.good("logout", registry.host)
    store.bad("skiff login", "push", *tls, "--to", registry.host + "/login:2", name)


def typed(b, store, words, lines):
    """(status, what the terminal showed) of skiff on a terminal of its own, where these lines are typed when it asks."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(b.skiff, [b.skiff, *words], store.env)
    shown, asked = b"", 0
    while True:
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        if not data:
            break
        shown += data
        while asked < len(lines) and shown.count(b": ") > asked:
            os.write(terminal, lines[asked])
            asked += 1
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


@test
def login_by_hand(b):
    registry, store = b.server("locked"), b.store()
    words = ["login", "--cacert", b.ca(), registry.host]
    code, shown = typed(b, store, words, [USER.encode() + b"\n", PASSWORD.encode() + b"\n"])
    assert code == 0 and "logged in" in shown and PASSWORD not in shown, (code, shown)
    assert registry.host in auth_file(store)["auths"]
    code, shown = typed(b, store, words, [USER.encode() + b"\n", b"geh\x03"])
    assert code == 1 and "geh" not in shown, (code, shown)


HELPER = """#!/bin/sh
kept=%s
case $1 in
store) cat >$kept ;;
get) cat >/dev/null; [ -s $kept ] && exec cat $kept; echo credentials not found in native keychain; exit 1 ;;
erase) cat >/dev/null; rm -f $kept ;;
esac
"""


@test
def login_by_a_helper(b):
    registry, store = b.server("locked"), b.store()
    name, tls = registry.host + "/helper:1", ("--cacert", b.ca())
    kept, programs = os.path.join(store.folder, "kept"), os.path.join(store.folder, "bin")
    store.put(name, hello(b"helper"))
    os.makedirs(programs)
    with open(programs + "/docker-credential-test", "w", encoding="utf-8") as file:
        file.write(HELPER % kept)
    os.chmod(programs + "/docker-credential-test", 0o755)
    config = os.path.join(store.folder, "auth.json")
    with open(config, "w", encoding="utf-8") as file:
        json.dump({"credHelpers": {registry.host: "test"}}, file)
    env = {"PATH": programs + ":" + os.environ["PATH"], "REGISTRY_AUTH_FILE": config}
    store.bad("skiff login", "push", *tls, name, env=env)
    store.good("login", *tls, "-u", USER, "--password-stdin", registry.host, stdin=PASSWORD, env=env)
    with open(kept, encoding="utf-8") as file:
        assert json.load(file) == {"ServerURL": registry.host, "Username": USER, "Secret": PASSWORD}
    with open(config, encoding="utf-8") as file:
        assert PASSWORD not in file.read()
    store.good("push", *tls, name, env=env)
    store.good("logout", registry.host, env=env)
    assert not os.path.exists(kept)
    with open(programs + "/docker-credential-test", "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\nexec sleep 60\n")
    store.bad("does not answer in time", "push", *tls, "--to", registry.host + "/helper:2", name,
              env={**env, "SKIFF_HELPER_TIMEOUT": "300"})


@test
def mirrors(b):
    registry, mirror, here, there = b.server("plain"), b.server("tls"), b.store(), b.store()
    image, other = hello(b"mirror"), hello(b"origin")
    here.put("localhost:1/x:1", image)
    here.put("localhost:1/y:1", other)
    here.good("push", "--cacert", b.ca(), "--to", mirror.host + "/cache/of/mirrored:1", "localhost:1/x:1")
    here.good("push", "--to", registry.host + "/mirrored:2", "localhost:1/y:1")
    file = os.path.join(there.folder, "registries.toml")
    with open(file, "w", encoding="utf-8") as out:
        out.write('["%s"]\nmirrors = ["localhost:%d", "%s/cache/of"]\n["%s"]\ncacert = "%s"\n' % (
            registry.host, free_port(), mirror.host, mirror.host, b.ca()))
    env = {"SKIFF_REGISTRIES": file}
    there.good("pull", registry.host + "/mirrored:1", env=env)
    assert there.has(image) and registry.host + "/mirrored:1" in there.names()
    there.good("pull", registry.host + "/mirrored:2", env=env)
    assert there.has(other)
    with open(file, "w", encoding="utf-8") as out:
        out.write('["%s"]\nmirrors = "one"\n' % registry.host)
    there.bad("registries.toml:2", "pull", registry.host + "/mirrored:2", env=env)


class Forwarder(http.server.BaseHTTPRequestHandler):
    """A proxy that knows one host, registry.test, and leads nowhere else."""
    protocol_version = "HTTP/1.1"

    def forward(self):
        url = urllib.parse.urlsplit(self.path)
        self.server.asked.append((self.command, url.netloc))
        size = int(self.headers.get("Content-Length") or 0)
        connection = http.client.HTTPConnection("127.0.0.1", self.server.registry)
        connection.request(self.command, urllib.parse.urlunsplit(("", "") + url[2:]), self.rfile.read(size),
                           {k: v for k, v in self.headers.items() if k.lower() != "proxy-connection"})
        answer = connection.getresponse()
        data = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", answer.getheader("Content-Length") or str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        connection.close()

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = forward

    def do_CONNECT(self):
        self.server.asked.append((self.command, self.path))
        self.send_error(403)

    def log_message(self, *_):
        pass


@test
def proxies(b):
    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forwarder)
    proxy.registry, proxy.asked = b.server("plain").port, []
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    address, store, name = "http://127.0.0.1:%d" % proxy.server_port, b.store(), "registry.test/proxied:1"
    try:
        store.put(name, hello(b"by proxy"))
        store.bad("registry.test: the name of the host is not known", "push", name)
        store.env["https_proxy"] = address
        store.bad("the proxy does not lead there: it says 403", "push", name)
        assert ("CONNECT", "registry.test:443") in proxy.asked, proxy.asked
        store.env["http_proxy"] = address
        store.good("push", "--plain-http", name)
        assert ("PUT", "registry.test") in proxy.asked, proxy.asked
        del store.env["https_proxy"]
        store.good("rmi", name)
        store.good("pull", "--plain-http", name)
        store.env["no_proxy"] = "registry.test"
        store.good("rmi", name)
        store.bad("registry.test: the name of the host is not known", "pull", "--plain-http", name)
    finally:
        proxy.shutdown()
        proxy.server_close()


@test
def wasm_to_oci(b):
    registry, store = b.server("plain"), b.store()
    program = os.path.join(store.folder, "wasm-to-oci")
    os.symlink(os.path.join(os.path.dirname(b.skiff), "skiff-image"), program)
    module, out = os.path.join(store.folder, "m.wasm"), os.path.join(store.folder, "out.wasm")
    data = EMPTY_MODULE + b"\0\x05\x01aabc"
    with open(module, "wb") as file:
        file.write(data)
    name = registry.host + "/module:v1"
    text = store.good("push", module, name, program=program)
    assert text.startswith("Pushed: %s\nSize: %d\nDigest: sha256:" % (name, len(data))), text
    manifest = json.loads(registry.get("module/manifests/v1"))
    assert manifest["config"]["mediaType"] == "application/vnd.wasm.config.v1+json"
    assert manifest["layers"] == [{"mediaType": "application/vnd.wasm.content.layer.v1+wasm",
                                   "digest": digest(data), "size": len(data)}]
    text = store.good("pull", name, "--out", out, program=program)
    assert text == "Pulled: %s\nSize: %d\nDigest: %s\n" % (name, len(data), digest(data)), text
    with open(out, "rb") as file:
        assert file.read() == data
    assert not os.listdir(os.path.join(store.path, "blobs", "sha256")), "it was not collected"
    store.bad("no WebAssembly module", "push", "/etc/passwd", name, program=program)
    assert "wasm-to-oci push [OPTIONS] FILE REFERENCE" in store.good("--help", program=program)
    as_skiff = os.path.join(store.folder, "a", "wasm-to-oci")
    os.mkdir(os.path.dirname(as_skiff))
    os.symlink(b.skiff, as_skiff)
    assert store.good("push", module, registry.host + "/module:v2", program=as_skiff).startswith("Pushed: ")
    store.put(registry.host + "/layers:1", hello())
    store.good("push", registry.host + "/layers:1")
    store.bad("no layer of it is a module", "pull", registry.host + "/layers:1", program=program)
    artifact = Image([data], "wasip1/wasm", "application/wasm")
    store.put(registry.host + "/cncf:1", artifact)
    store.good("push", registry.host + "/cncf:1")
    store.good("pull", registry.host + "/cncf:1", "-o", out, program=program)


@test
def a_bar_on_a_terminal_and_none_in_a_pipe(b):
    registry, here, there = b.server("plain"), b.store(), b.store()
    image = hello(b"bar", 2 * MEGABYTE)
    here.put(registry.host + "/bar:1", image)
    code, _, err = here.run("push", registry.host + "/bar:1")
    assert (code, err) == (0, ""), err
    for columns, more in ((80, ()), (20, ()), (80, ("-q",))):
        there.clear()
        first, second = pty.openpty()
        subprocess.run(["stty", "cols", str(columns)], stdin=second, check=True)
        process = there.start("pull", *more, registry.host + "/bar:1", env={"TERM": "xterm"})
        process.communicate()
        there.clear()
        process = subprocess.Popen([b.skiff, "pull", *more, registry.host + "/bar:1"], stdout=subprocess.PIPE,
                                   stderr=second, stdin=subprocess.DEVNULL, env={**there.env, "TERM": "xterm"})
        os.close(second)
        seen = b""
        while True:
            try:
                data = os.read(first, 65536)
            except OSError:
                break
            if not data:
                break
            seen += data
        assert process.wait(60) == 0, seen
        process.stdout.close()
        os.close(first)
        text = seen.decode()
        if more:
            assert text == "", text
            continue
        layer = image.layers[1]["digest"][7:19]
        assert ("pull " + layer) in text if columns > 20 else "pull" in text, text
        for line in text.replace("\r", "").split("\n"):
            plain = line.replace("\033[K", "").replace("\033[J", "")
            while "\033[" in plain:
                start = plain.index("\033[")
                plain = plain[:start] + plain[plain.index("A", start) + 1:]
            assert len(plain) < columns, (columns, plain)


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    with Folder() as folder:
        return run_tests(Bench(os.path.abspath(sys.argv[1]), folder), sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
