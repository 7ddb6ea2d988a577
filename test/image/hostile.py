#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hostile.py SKIFF [WORD...]: pull from and push to registries that do what they should not.

Each row of the table below is a behaviour: a function that answers a request in a registry's place, and what skiff is to make of it:
the words of its one sentence, or nothing, where it is to get through. After each the store must be sound, hold nothing under the name
that failed, and take a good image. WORDs choose rows by their names.
"""

import http.server
import json
import os
import re
import socket
import ssl
import struct
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from world import (EMPTY_MODULE, INDEX, LAYER, MANIFEST, Folder, Image, Index, Store, certificate, digest,  # noqa: E402
                   hello, to_bytes)
from tap import TESTS, run_tests, test  # noqa: E402

GOOD = hello(b"good", 200000)
BIG = GOOD.layers[1]["digest"]
OTHER = bytes(byte ^ 255 for byte in GOOD.blobs[BIG])
QUICK = {"SKIFF_STALL_TIMEOUT": "1200", "SKIFF_CONNECT_TIMEOUT": "4000", "SKIFF_RETRY_PAUSE": "20"}
CREDS = ("--creds", "anna:geheim")
LIMIT = 60


class Row:
    def __init__(self, name, answer, expected, words, push, env):
        self.name, self.answer, self.expected, self.words, self.push = name, answer, expected, words, push
        self.env = env
        self.counts = {}
        self.seen = []  # (server, method, path, whether it had a password or a token)
        self.state = {}


ROWS = {}


def row(expected, *words, push=False, image=None, what="1", env=None):
    """Of a registry that behaves like this: `expected` is what is said, None: it works."""
    def take(answer):
        name = answer.__name__.replace("_", "-")
        made = Row(name, answer, expected, words, push, env)
        made.image, made.what = image or GOOD, what
        ROWS[name] = made

        def work(b):
            b.try_row(made)
        work.__name__ = answer.__name__
        test(work)
        return answer
    return take


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "hostile"
    PLACE = re.compile(r"^/v2/([a-z0-9-]+)/(manifests|blobs/uploads|blobs|tags|token)/?([^?]*)")

    def log_message(self, *_):
        pass

    def do(self):
        found = self.PLACE.match(self.path)
        if self.path == "/v2/" or found is None or found.group(1) not in ROWS:
            self.say(200, b"{}", {"Content-Type": "application/json"})
            return
        self.row = ROWS[found.group(1)]
        self.kind, self.what = found.group(2), found.group(3)
        self.row.seen.append((self.server.name, self.command, self.path, self.headers.get("Authorization")))
        key = (self.server.name, self.command, self.kind)
        self.row.counts[key] = self.row.counts.get(key, 0) + 1
        self.turn = self.row.counts[key]
        try:
            if not self.row.answer(self):
                self.behave()
        except (OSError, ssl.SSLError):
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do

    # -- What a good one does --

    def behave(self):
        image = self.row.image
        if self.command in ("POST", "PUT", "PATCH"):
            self.take_upload()
        elif self.kind == "manifests":
            data = image.blobs.get(self.what, image.manifest)
            kind = json.loads(data).get("mediaType", MANIFEST)
            self.say(200, data, {"Content-Type": kind, "Docker-Content-Digest": digest(data)})
        elif self.kind == "blobs" and not self.row.push and self.what in image.blobs:
            self.give(image.blobs[self.what])
        else:
            self.refuse(404, "MANIFEST_UNKNOWN")

    def give(self, data):
        """With ranges."""
        asked = re.match(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if asked:
            first = int(asked.group(1))
            self.say(206, data[first:], {"Content-Range": "bytes %d-%d/%d" % (first, len(data) - 1, len(data))})
        else:
            self.say(200, data)

    def take_upload(self):
        self.swallow()
        if self.kind == "manifests":
            self.say(201, b"", {"Docker-Content-Digest": digest(self.body)})
        elif self.command == "PUT":
            self.say(201, b"")
        else:
            self.say(202, b"", {"Location": "/v2/%s/blobs/uploads/u" % self.row.name, "Range": "0-0"})

    # -- Pieces --

    def swallow(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def say(self, status, data, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if "Transfer-Encoding" not in (headers or {}) and "Content-Length" not in (headers or {}):
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
        return True

    def refuse(self, status, code, headers=None, message="no"):
        return self.say(status, to_bytes({"errors": [{"code": code, "message": message}]}),
                        {"Content-Type": "application/json", **(headers or {})})

    def raw(self, data, close=True):
        self.wfile.write(data)
        self.wfile.flush()
        self.close_connection = close
        return True

    def stall(self):
        """Until the other side has enough of it."""
        self.connection.settimeout(LIMIT)
        try:
            self.connection.recv(1)
        except OSError:
            pass
        self.close_connection = True
        return True

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.shutdown(socket.SHUT_RDWR) if isinstance(self.connection, ssl.SSLSocket) else None
        self.connection.close()
        self.close_connection = True
        return True

    def redirect(self, to, status=307):
        return self.say(status, b"", {"Location": to})

    def endless(self, head=b"", piece=b"x" * 65536):
        """A body in chunks that does not end."""
        self.send_response(200)
        self.send_header("Content-Type", MANIFEST)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in [head] if head else []:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        while True:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    def is_first(self, kind):
        return self.kind == kind and self.turn == 1

    def is_big(self):
        return self.kind == "blobs" and self.what == BIG and self.command == "GET"

    def challenged(self, challenge):
        """Until there is something in Authorization."""
        if self.headers.get("Authorization") or self.kind == "token":
            return False
        self.swallow()
        return self.refuse(401, "UNAUTHORIZED", {"WWW-Authenticate": challenge})

    def bearer(self):
        return 'Bearer realm="%s/v2/%s/token",service="here"' % (self.server.address, self.row.name)


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


SERVERS = {}


def start(name, tls=None):
    server = Quiet(("127.0.0.1", 0), Handler)
    server.name = name
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    host = "127.0.0.1" if name == "other" else "localhost"
    server.host = "%s:%d" % (host, server.server_port)
    server.address = ("https://" if tls else "http://") + server.host
    threading.Thread(target=server.serve_forever, daemon=True).start()
    SERVERS[name] = server


# -- Manifests: what comes, and when --------------------------------------------------------------------------

@row("nothing came for 1.2 s")
def stall_in_the_head(h):
    return h.stall()


@row("nothing came for 1.2 s")
def stall_in_the_body(h):
    h.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}", False)
    return h.stall()


@row("nothing came for 1.2 s")
def a_head_line_by_line(h):
    h.raw(b"HTTP/1.1 200 OK\r\n")
    while True:
        h.raw(b"X-More: 1\r\n")
        time.sleep(0.3)


@row("the connection ended early")
def reset_at_once(h):
    return h.reset()


@row("the connection ended early")
def closed_without_a_word(h):
    h.close_connection = True
    return True


@row("this is no answer by HTTP")
def something_else_than_http(h):
    return h.raw(b"SSH-2.0-OpenSSH_9.2\r\n")


@row("the connection ended early")
def body_shorter_than_its_length(h):
    return h.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + GOOD.manifest)


@row(None)
def reset_twice_then_well(h):
    return h.is_first("manifests") and h.reset() or h.kind == "manifests" and h.turn == 2 and h.reset()


@row("longer than 4194304 bytes")
def manifest_of_five_megabytes(h):
    return h.say(200, GOOD.manifest + b" " * (5 << 20), {"Content-Type": MANIFEST})


@row("longer than 4194304 bytes")
def manifest_without_end(h):
    return h.endless(GOOD.manifest, b" " * 65536)


@row("a line of its head is too long")
def head_of_one_long_line(h):
    return h.raw(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * (1 << 20) + b"\r\n\r\n")


@row("the head of its answer is over 256 KiB")
def head_of_many_lines(h):
    return h.raw(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-Line-%d: %s\r\n" % (i, b"y" * 100) for i in range(9000)) + b"\r\n")


@row("this is no answer by HTTP")
def nul_in_the_head(h):
    return h.raw(b"HTTP/1.1 200 OK\r\nDocker-Content-Digest: sha256:\0\r\nContent-Length: 2\r\n\r\n{}")


@row("neither a manifest nor an index")
def nuls_for_a_manifest(h):
    return h.say(200, b"\0" * 100, {"Content-Type": MANIFEST})


@row("neither a manifest nor an index")
def nothing_for_a_manifest(h):
    return h.say(200, b"", {"Content-Type": MANIFEST})


@row("answers 304")
def status_304(h):
    return h.say(304, b"")


@row("answers 600")
def status_600(h):
    return h.raw(b"HTTP/1.1 600 What\r\nContent-Length: 0\r\n\r\n")


@row("answers 206")
def status_206_for_a_manifest(h):
    return h.kind == "manifests" and h.say(206, GOOD.manifest, {"Content-Range": "bytes 0-9/10"})


@row("answers 500")
def status_500_for_ever(h):
    return h.refuse(500, "UNKNOWN")


@row(None)
def status_500_twice_then_well(h):
    return h.kind == "manifests" and h.turn < 3 and h.refuse(500, "UNKNOWN")


@row("does not allow it")
def status_403_with_escapes(h):
    return h.refuse(403, "DENIED", message="\033[2J\x07no\nskiff: all is well")


@row("too many requests")
def status_429_for_a_year(h):
    return h.refuse(429, "TOOMANYREQUESTS", {"Retry-After": "31536000"})


@row("too many requests")
def status_429_for_minus_five(h):
    return h.refuse(429, "TOOMANYREQUESTS", {"Retry-After": "-5"})


@row(None)
def status_429_with_garbage_once(h):
    return h.is_first("manifests") and h.refuse(429, "TOOMANYREQUESTS", {"Retry-After": "99999999999999999999999 x"})


@row(None)
def status_429_for_a_second(h):
    return h.is_first("manifests") and h.refuse(429, "TOOMANYREQUESTS", {"Retry-After": "1"})


@row("with a web page")
def a_web_page_with_404(h):
    return h.kind == "manifests" and h.say(418, b"<html>", {"Content-Type": "text/html"})


# -- Manifests: what they are ---------------------------------------------------------------------------------

@row("a web page")
def a_web_page(h):
    return h.say(200, b"<html>log in</html>", {"Content-Type": "text/html; charset=utf-8"})


@row("which is no image")
def a_picture(h):
    return h.say(200, GOOD.manifest, {"Content-Type": "image/png"})


@row("first format only")
def schema_1(h):
    text = to_bytes({"schemaVersion": 1, "name": "x", "tag": "1", "fsLayers": []})
    return h.say(200, text, {"Content-Type": "application/vnd.docker.distribution.manifest.v1+prettyjws"})


@row("says it has")
def another_digest_in_the_head(h):
    return h.say(200, GOOD.manifest, {"Content-Type": MANIFEST, "Docker-Content-Digest": "sha256:" + "0" * 64})


@row("is not a digest")
def no_digest_in_the_head(h):
    return h.say(200, GOOD.manifest, {"Content-Type": MANIFEST, "Docker-Content-Digest": "../../etc"})


@row("was asked for", what="@" + GOOD.digest)
def another_manifest_than_asked_for(h):
    return h.say(200, hello(b"another").manifest, {"Content-Type": MANIFEST})


@row("but it is a manifest")
def a_manifest_called_index(h):
    return h.say(200, GOOD.manifest, {"Content-Type": INDEX})


@row("its manifest: manifests: does not belong")
def both_at_once(h):
    text = dict(json.loads(GOOD.manifest), manifests=[hello(b"evil").descriptor()])
    return h.kind == "manifests" and h.say(200, to_bytes(text), {"Content-Type": MANIFEST})


@row("neither a manifest nor an index")
def arrays_in_arrays(h):
    return h.say(200, b'{"schemaVersion":2,"x":' + b"[" * 100000 + b"]" * 100000 + b"}", {"Content-Type": MANIFEST})


@row("packs its answer")
def a_packed_manifest(h):
    return h.kind == "manifests" and h.say(200, GOOD.manifest, {"Content-Type": MANIFEST, "Content-Encoding": "gzip"})


class Fixed:
    """What a registry gives for a tag, whatever else it has."""

    def __init__(self, value, blobs=(), kind=MANIFEST):
        self.manifest = to_bytes(value) if isinstance(value, dict) else value
        self.type = kind
        self.digest = digest(self.manifest)
        self.blobs = dict(blobs)


def changed(**members):
    return dict(json.loads(GOOD.manifest), **members)


def lying(**members):
    layers = json.loads(GOOD.manifest)["layers"]
    return Fixed(changed(layers=[layers[0], dict(layers[1], **members)]), GOOD.blobs)


def nothing_else(_):
    return False


INNER = Index([GOOD])
OUTER = Fixed({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
    {"mediaType": INDEX, "digest": INNER.digest, "size": len(INNER.manifest),
     "platform": {"os": "wasi", "architecture": "wasm"}}]}, INNER.blobs, INDEX)
SELF = Fixed({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
    {"mediaType": MANIFEST, "digest": "sha256:" + "1" * 64, "size": 1000,
     "platform": {"os": "wasi", "architecture": "wasm"}}]}, {}, INDEX)
SIZED = Fixed({"schemaVersion": 2, "mediaType": INDEX, "manifests": [dict(GOOD.descriptor(), size=12)]}, GOOD.blobs, INDEX)
FOREIGN = Fixed(changed(layers=[{"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                                 "digest": BIG, "size": 5, "urls": ["http://127.0.0.1/x"]}]), GOOD.blobs)
for NAME, SENTENCE, FIXED, WORDS in (
        ("an index in an index", "lists no image", OUTER, ()),
        ("an index in an index all of it", "another index", OUTER, ("--all-platforms",)),
        ("an index that leads to itself", "was asked for", SELF, ()),
        ("an index that lies about a size", "but the index says 12", SIZED, ()),
        ("a foreign layer", "is foreign", FOREIGN, ()),
        ("a layer said to be shorter", "its manifest says 100", lying(size=100), ()),
        ("a layer said to be longer", "its manifest says 999999", lying(size=999999), ()),
        ("a layer of minus one", "layers[1].size", lying(size=-1), ()),
        ("a layer of nine exabytes", "9223372036854775807 bytes", lying(size=(1 << 63) - 1), ()),
        ("a layer of more", "layers[1].size", lying(size=1 << 64), ()),
        ("a layer of a petabyte", "B left;", lying(size=10 ** 15), ()),
        ("a layer with two sizes", "two sizes", Fixed(changed(layers=[GOOD.layers[1], dict(GOOD.layers[1], size=3)]), GOOD.blobs), ()),
        ("a layer with a path for a digest", "is not a digest", lying(digest="sha256:../../../../etc/passwd"), ()),
        ("a thousand layers", "at most 512", Fixed(changed(layers=[GOOD.layers[0]] * 1000), GOOD.blobs), ()),
        ("a config of a gigabyte", "its config has", Fixed(changed(config=dict(json.loads(GOOD.manifest)["config"], size=1 << 30)), GOOD.blobs), ()),
):
    nothing = type(nothing_else)(nothing_else.__code__, globals(), NAME.replace(" ", "_"))
    row(SENTENCE, *WORDS, image=FIXED)(nothing)


# -- Redirects ------------------------------------------------------------------------------------------------

@row("more than 5 redirects")
def redirect_to_itself(h):
    return h.redirect(h.path)


@row("more than 5 redirects")
def redirect_on_and_on(h):
    return h.redirect("/v2/%s/manifests/%d" % (h.row.name, h.turn), 302)


@row("no address by http")
def redirect_to_a_file(h):
    return h.redirect("file:///etc/passwd")


@row("no address by http")
def redirect_to_gopher(h):
    return h.redirect("gopher://127.0.0.1:70/1")


@row("no address by http")
def redirect_to_garbage(h):
    return h.redirect("http://[::::]:99999999/\x01")


@row("no address by http")
def redirect_with_a_password(h):
    return h.redirect("http://user:password@127.0.0.1/")


@row("--plain-http")
def redirect_to_http_elsewhere(h):
    return h.redirect("http://192.0.2.1/x")


@row(None, *CREDS)
def redirect_to_another_host(h):
    if h.server.name == "other":
        return False
    return h.challenged('Basic realm="x"') or h.kind in ("blobs", "manifests") and h.redirect(
        SERVERS["other"].address + h.path)


@row("from https to http", "TLS")
def redirect_to_http(h):
    return h.server.name == "tls" and h.redirect(SERVERS["plain"].address + h.path)


# -- Who asks -------------------------------------------------------------------------------------------------

@row("skiff login")
def asks_for_a_login(h):
    return h.challenged('Basic realm="x"')


@row("refuses 'anna'", *CREDS)
def never_content_with_a_password(h):
    return h.refuse(401, "UNAUTHORIZED", {"WWW-Authenticate": 'Basic realm="x"'})


@row(None, *CREDS)
def several_challenges_with_escapes(h):
    if h.kind == "token":
        return h.say(200, b'{"token":"abc","expires_in":1}')
    return h.challenged('Negotiate abc==, Digest realm="a, Basic \\"q\\"", nonce=x, ' + h.bearer() + ', Basic realm=y')


@row("does not say how to log in")
def challenge_of_garbage(h):
    return h.refuse(401, "UNAUTHORIZED", {"WWW-Authenticate": ',,=="\\",\x7f Bearer realm="unended'})


@row("does not say how to log in")
def no_challenge(h):
    return h.refuse(401, "UNAUTHORIZED")


@row("without TLS", *CREDS)
def tokens_by_http_elsewhere(h):
    return h.challenged('Bearer realm="http://192.0.2.1/token"')


@row("without TLS", "TLS", *CREDS)
def tokens_by_http_though_tls(h):
    return h.challenged('Bearer realm="%s/v2/%s/token"' % (SERVERS["plain"].address, h.row.name))


@row("no address by http", *CREDS)
def tokens_in_a_file(h):
    return h.challenged('Bearer realm="file:///etc/shadow"')


@row("nothing came")
def tokens_that_stall(h):
    return h.challenged(h.bearer()) or h.kind == "token" and h.stall()


@row("none that makes sense")
def tokens_of_garbage(h):
    return h.challenged(h.bearer()) or h.kind == "token" and h.say(200, b'{"token": 5')


@row("none that makes sense")
def tokens_with_lines(h):
    return h.challenged(h.bearer()) or h.kind == "token" and h.say(200, b'{"token": "a\\r\\nX-Evil: 1"}')


@row("longer than 262144 bytes")
def tokens_that_are_long(h):
    return h.challenged(h.bearer()) or h.kind == "token" and h.say(200, b'{"token": "' + b"a" * (1 << 20) + b'"}')


@row("more than 5 redirects")
def tokens_that_lead_on(h):
    return h.challenged(h.bearer()) or h.kind == "token" and h.redirect(h.path)


@row("skiff login")
def tokens_for_nobody(h):
    return h.challenged(h.bearer()) or h.kind == "token" and h.refuse(401, "UNAUTHORIZED", {"WWW-Authenticate": h.bearer()})


@row("skiff login")
def tokens_that_do_not_help(h):
    if h.kind == "token":
        return h.say(200, b'{"token": "abc%d"}' % h.turn)
    return h.refuse(401, "UNAUTHORIZED", {"WWW-Authenticate": h.bearer()})


@row("skiff login", *CREDS)
def a_challenge_of_another_host(h):
    """It gets nothing."""
    if h.server.name == "other":
        return h.refuse(401, "UNAUTHORIZED", {"WWW-Authenticate": 'Basic realm="x"'})
    return h.challenged('Basic realm="x"') or h.redirect(SERVERS["other"].address + h.path)


@row("a redirect to another host is not followed", "IDENTITY")
def a_refresh_token_sent_on(h):
    return h.challenged(h.bearer()) or h.kind == "token" and h.server.name != "other" and h.redirect(
        SERVERS["other"].address + h.path)


# -- Tags -----------------------------------------------------------------------------------------------------

@row("and more than 992 others")
def tags_without_end(h):
    if h.kind != "tags":
        return h.refuse(404, "MANIFEST_UNKNOWN")
    return h.say(200, to_bytes({"tags": ["t%03d" % i for i in range(100)]}), {"Link": '<%s>; rel="next"' % h.path})


@row("with the tag")
def tags_of_garbage(h):
    return h.kind == "tags" and h.say(200, b'{"tags": {"a": [') or h.refuse(404, "MANIFEST_UNKNOWN")


@row("with the tag")
def tags_that_stall(h):
    return h.kind == "tags" and h.stall() or h.refuse(404, "MANIFEST_UNKNOWN")


@row("no such tag")
def tags_with_escapes(h):
    return h.kind == "tags" and h.say(200, to_bytes({"tags": ["\033[2J", 5, None, "x" * 1000]})) or h.refuse(
        404, "MANIFEST_UNKNOWN")


# -- Blobs ----------------------------------------------------------------------------------------------------

@row("what came is sha256:")
def a_layer_of_other_bytes(h):
    return h.is_big() and h.say(200, OTHER)


@row("gives more of")
def a_layer_without_end(h):
    return h.is_big() and h.endless(GOOD.blobs[BIG])


@row("but its manifest says")
def a_layer_that_is_longer(h):
    return h.is_big() and h.say(200, GOOD.blobs[BIG] + b"x")


@row("but its manifest says")
def a_layer_that_is_shorter(h):
    return h.is_big() and h.say(200, GOOD.blobs[BIG][:-1])


@row("of the")
def a_layer_that_ends_early_and_says_so(h):
    return h.is_big() and h.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n"
                                + GOOD.blobs[BIG][:3] + b"\r\n0\r\n\r\n")


@row("the connection ended early")
def a_layer_cut_each_time(h):
    """Each try brings ten bytes only."""
    if not h.is_big():
        return False
    first = int((h.headers.get("Range") or "bytes=0-")[6:-1])
    data = GOOD.blobs[BIG]
    status = b"206 Partial" if first else b"200 OK"
    return h.raw(b"HTTP/1.1 %s\r\nContent-Range: bytes %d-%d/%d\r\nContent-Length: %d\r\n\r\n" % (
        status, first, len(data) - 1, len(data), len(data) - first) + data[first:first + 10])


def half(h, data=None):
    data = data or GOOD.blobs[BIG]
    return h.raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + data[:len(data) // 2])


def first_half_then(h, then):
    if not h.is_big():
        return False
    h.row.state["big"] = h.row.state.get("big", 0) + 1
    return half(h) if h.row.state["big"] == 1 else then(h)


@row(None)
def a_layer_cut_once(h):
    return first_half_then(h, lambda h: False)


@row(None)
def a_layer_stalled_once(h):
    return h.is_big() and not h.headers.get("Range") and (h.raw(
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(GOOD.blobs[BIG]) + GOOD.blobs[BIG][:70000], False), h.stall())


@row(None)
def a_rest_that_is_all(h):
    return first_half_then(h, lambda h: h.say(200, GOOD.blobs[BIG]))


@row(None)
def a_rest_that_is_refused(h):
    return first_half_then(h, lambda h: h.headers.get("Range") and h.say(416, b""))


@row(None)
def a_rest_of_another_place(h):
    return first_half_then(h, lambda h: h.headers.get("Range") and h.say(
        206, GOOD.blobs[BIG][5:], {"Content-Range": "bytes 5-%d/%d" % (len(GOOD.blobs[BIG]) - 1, len(GOOD.blobs[BIG]))}))


@row(None)
def a_rest_of_other_bytes(h):
    """What comes later belongs to something else: once more, in one piece."""
    return first_half_then(h, lambda h: h.headers.get("Range") and h.say(
        206, OTHER[len(OTHER) // 2:], {"Content-Range": "bytes %d-%d/%d" % (len(OTHER) // 2, len(OTHER) - 1, len(OTHER))}))


@row("gives another part")
def a_part_nobody_asked_for(h):
    return h.is_big() and h.say(206, GOOD.blobs[BIG], {"Content-Range": "bytes 7-9/10"})


@row("packs its answer")
def a_packed_layer(h):
    return h.is_big() and h.say(200, GOOD.blobs[BIG], {"Content-Encoding": "br"})


@row("does not have it")
def a_layer_that_is_not_there(h):
    return h.is_big() and h.refuse(404, "BLOB_UNKNOWN")


@row("answers 503")
def a_layer_that_is_never_ready(h):
    return h.is_big() and h.refuse(503, "UNAVAILABLE")


# -- Uploads --------------------------------------------------------------------------------------------------

@row(None, *CREDS, push=True)
def an_upload_elsewhere(h):
    if h.server.name == "other":
        return False
    if h.challenged('Basic realm="x"'):
        return True
    return h.command == "POST" and h.say(202, b"", {"Location": "%s/v2/%s/blobs/uploads/u" % (
        SERVERS["other"].address, h.row.name)})


@row("does not say where the upload goes on", push=True)
def an_upload_nowhere(h):
    return h.command == "POST" and h.say(202, b"")


@row("no address by http", push=True)
def an_upload_into_a_file(h):
    return h.command == "POST" and h.say(202, b"", {"Location": "file:///tmp/x"})


@row("--plain-http", push=True)
def an_upload_by_http_elsewhere(h):
    return h.command == "POST" and h.say(202, b"", {"Location": "http://192.0.2.1/x"})


@row("without TLS", "TLS", push=True)
def an_upload_by_http_though_tls(h):
    return h.command == "POST" and h.say(202, b"", {"Location": SERVERS["plain"].address + "/v2/x"})


@row("loses the upload", push=True)
def an_upload_forgotten(h):
    if h.kind != "blobs/uploads" or h.command == "POST":
        return False
    h.swallow()
    return h.refuse(404, "BLOB_UPLOAD_UNKNOWN")


@row("answers 500", push=True)
def an_upload_never_taken(h):
    if h.kind != "blobs/uploads" or h.command == "POST":
        return False
    h.swallow()
    return h.refuse(500, "UNKNOWN")


@row(None, push=True)
def one_put_refused(h):
    """It takes pieces only."""
    if h.kind != "blobs/uploads" or h.command == "POST":
        return False
    h.swallow()
    state = h.row.state.setdefault("at", {})
    if h.command == "PATCH":
        state["size"] = len(h.body)
        return h.say(202, b"", {"Location": h.path, "Range": "0-%d" % (len(h.body) - 1)})
    return h.refuse(405, "UNSUPPORTED") if len(h.body) > 0 else h.say(201, b"")


@row("does not get on", push=True, env={"SKIFF_PUSH_CHUNK": "20000"})
def pieces_that_do_not_count(h):
    if h.kind == "blobs/uploads" and h.command == "PATCH":
        h.swallow()
        return h.say(202, b"", {"Location": h.path, "Range": "0-0"})
    return False


@row("the connection ended early", push=True, env={"SKIFF_PUSH_CHUNK": "20000"})
def pieces_always_cut(h):
    if h.kind == "blobs/uploads" and h.command == "PATCH":
        return h.reset()
    return False


@row("took the manifest as", push=True)
def another_digest_for_a_manifest(h):
    if h.kind == "manifests" and h.command == "PUT":
        h.swallow()
        return h.say(201, b"", {"Docker-Content-Digest": "sha256:" + "0" * 64})
    return False


@row("(no)", push=True)
def a_manifest_not_taken(h):
    if h.kind == "manifests" and h.command == "PUT":
        h.swallow()
        return h.refuse(400, "MANIFEST_INVALID")
    return False


@row("nothing came", push=True)
def an_upload_that_stalls(h):
    if h.command != "PUT":
        return False
    h.swallow()
    return h.stall()


# -- Trying them ----------------------------------------------------------------------------------------------

@row(None)
def as_it_should(_):
    return False


class Bench:
    def __init__(self, skiff, folder):
        self.folder = folder
        self.ca = certificate(folder.path)
        start("plain")
        start("other")
        start("tls", self.ca)
        self.store = Store(skiff, os.path.join(folder.path, "s"))
        self.auth = os.path.join(folder.path, "identity.json")
        self.auths = {"auths": {SERVERS["plain"].host: {"auth": "YTo=", "identitytoken": "secret"}}}
        with open(self.auth, "w", encoding="utf-8") as file:
            json.dump(self.auths, file)

    def command(self, made):
        """(words, environment, name)"""
        words, env = list(made.words), {**QUICK, **(made.env or {})}
        server = SERVERS["plain"]
        if "TLS" in words:
            words.remove("TLS")
            server = SERVERS["tls"]
            words += ["--cacert", self.ca[0], "--plain-http"]
        if "IDENTITY" in words:
            words.remove("IDENTITY")
            env["REGISTRY_AUTH_FILE"] = self.auth
        name = "%s/%s%s%s" % (server.host, made.name, "" if made.what[0] == "@" else ":", made.what)
        return [*words, name], env, name

    def try_row(self, made):
        words, env, name = self.command(made)
        store = self.store
        store.clear()
        if made.push:
            store.put(name, made.image)
        words.insert(0, "push" if made.push else "pull")
        if made.expected is None:
            store.good(*words, env=env, limit=LIMIT)
            assert made.push or store.has(made.image)
        else:
            err = store.bad(made.expected, *words, env=env, limit=LIMIT)
            assert "geheim" not in err and "\033" not in err and "secret" not in err, err
            assert err.count("skiff: ") - err.count("warning") <= 1 + err.count("all is well"), err
        self.check(made, name)

    def check(self, made, name):
        store = self.store
        store.check()
        assert made.expected is None or made.push or name not in store.names(), "it got its name"
        for server, method, path, secret in made.seen:
            assert server != "other" or secret is None, "%s %s got %s" % (method, path, secret)
        good = "%s/as-it-should:1" % SERVERS["plain"].host
        store.good("pull", good, env=QUICK)
        assert store.has(GOOD)


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    with Folder() as folder:
        return run_tests(Bench(os.path.abspath(sys.argv[1]), folder), sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
