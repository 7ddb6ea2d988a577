#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""store.py SKIFF [WORD...]: what a user does with images that are there: list, name, look at, unpack, remove; WORD: only tests whose title has it.

Each test has a store of its own, which is made by hand (layout.py) where it matters what is in it.
"""

import contextlib
import fcntl
import gzip
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(HERE, ".."))
sys.path.insert(0, HERE)

from layout import INDEX, MANIFEST, MODULE, OCI, TAR, Layout, sha256, tar  # noqa: E402
from tap import TESTS, Skip, run_tests  # noqa: E402

TIME_LIMIT = 120
HELLO = "docker.io/library/hello:latest"
SOMEBODY = 65534
# A memory, and a _start that does nothing.
STARTS = MODULE + bytes.fromhex("01040160000003020100050301000107") + b"\x13\2\6memory\2\0\6_start\0\0\x0a\4\1\2\0\x0b"


class Result:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout.decode(), done.stderr.decode()

    def __str__(self):
        return "code %s\n%s%s" % (self.code, self.out, self.err)


class User:
    """Who has a folder, a store in it, and containers."""

    def __init__(self, box, folder):
        self.box, self.folder = box, folder
        self.store = os.path.join(folder, "images")
        self.env = dict(os.environ, SKIFF_STORE=self.store, XDG_RUNTIME_DIR=folder, HOME=folder)

    def layout(self):
        return Layout(self.store)

    def at(self, *names):
        return os.path.join(self.store, *names)

    def names(self, folder):
        return sorted(os.listdir(self.at(folder)))

    def run(self, *words, **more):
        return Result(subprocess.run([self.box.skiff] + list(words), stdin=subprocess.DEVNULL, capture_output=True,
                                     env=more.pop("env", self.env), timeout=TIME_LIMIT, check=False, **more))

    def do(self, *words, err="", **more):
        r = self.run(*words, **more)
        assert r.code == 0 and r.err == err, "%s: %s" % (" ".join(words), r)
        return r.out

    def refused(self, *words, says, code=1, **more):
        r = self.run(*words, **more)
        assert r.code == code, "%s: exit code should be %d: %s" % (" ".join(words), code, r)
        assert r.err.startswith("skiff: ") and r.err.count("\n") == 1, "one sentence: %s" % r
        for part in [says] if isinstance(says, str) else says:
            assert part in r.err, "the sentence should have %r: %s" % (part, r)
        return r

    def ready(self, name):
        with open(self.at("ready", name), encoding="utf-8") as file:
            lines = file.read().split("\n")
        assert lines[0] == "skiff-ready 1" and lines[-1] == "", lines
        return dict(line.split(" ", 1) for line in lines[1:-1])

    def prepared(self, word, *options):
        """The root that it gets: {path: content} of files."""
        before = set(self.names("ready")) if os.path.exists(self.at("ready")) else set()
        self.do("prepare", *options, word)
        fresh = set(self.names("ready")) - before
        assert len(fresh) == 1, fresh
        ready = self.ready(fresh.pop())
        files, top = {}, self.at("roots", ready["root"])
        for folder, _, names in os.walk(top):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    files["/" + os.path.relpath(path, top)] = file.read()
        return ready, files

    def container(self, ident, root):
        """As if one ran there: its state."""
        folder = os.path.join(self.folder, "skiff", ident)
        os.makedirs(folder, mode=0o700)
        with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
            json.dump({"root": {"path": root, "readonly": True}}, file)
        return folder


def case(work):
    def with_user(box):
        folder = tempfile.mkdtemp(prefix="skiff-store-")
        try:
            work(User(box, folder))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    TESTS.append((work.__name__.replace("_", " "), with_user))
    return work


# -- List ---------------------------------------------------------------------------------------------


@case
def a_store_is_made_where_there_is_none(u):
    assert u.do("images") == "REFERENCE   DIGEST   PLATFORM   SIZE   WHEN\n"
    assert stat.S_IMODE(os.stat(u.store).st_mode) == 0o700
    assert json.loads(u.do("images", "--json")) == []
    assert u.do("images", "-q") == ""
    env = {k: v for k, v in u.env.items() if k != "SKIFF_STORE"}
    if os.geteuid() == 0:
        env["XDG_DATA_HOME"] = os.path.join(u.folder, "data")
        os.chmod(u.folder, 0o777)
        u.do("images", env=env, user=SOMEBODY, group=SOMEBODY, extra_groups=[])
        assert os.path.exists(os.path.join(u.folder, "data", "skiff", "images", "oci-layout"))


@case
def what_there_is_is_listed(u):
    layout = u.layout()
    one = layout.image(packed=True)
    two = layout.image([{"app": b"\x7fELF1234"}], "linux", "amd64")
    three = layout.image([{"app": b"\x7fELF5678"}], "linux", "arm64")
    os.unlink(layout.blob_path(three["digest"]))
    layout.name(one, HELLO)
    layout.name(layout.index((one, "wasi/wasm"), (two, "linux/amd64"), (three, "linux/arm64")), "localhost:5000/team/app:v2")
    layout.name(two, None)
    lines = u.do("images").split("\n")
    assert re.fullmatch(r"hello:latest +[0-9a-f]{12} +wasi/wasm +[0-9.]+ (B|kB) +-", lines[1]), lines
    assert re.fullmatch(r"localhost:5000/team/app:v2 +[0-9a-f]{12} +wasi/wasm, linux/amd64 .*", lines[2]), lines
    assert lines[3].startswith("- "), lines
    assert one["digest"] in u.do("images", "--digests")
    said = json.loads(u.do("images", "--json"))
    assert [row["platforms"] for row in said] == [["wasi/wasm"], ["wasi/wasm", "linux/amd64"], ["linux/amd64"]], said
    assert [row["reference"] for row in said] == [HELLO, "localhost:5000/team/app:v2", None], said
    expected = one["size"] + sum(d["size"] for d in json.load(open(layout.blob_path(one["digest"]), "rb"))["layers"])
    assert expected < said[0]["size"] < expected + 1000, (said, expected)
    assert not any(row["damaged"] for row in said)


@case
def a_word_chooses_what_is_listed(u):
    layout = u.layout()
    one, two = layout.image(), layout.image([{"other.wasm": MODULE}])
    for name, image in ((HELLO, one), ("docker.io/library/hello:v1", two), ("docker.io/team/hello:v1", two)):
        layout.name(image, name)
    count = lambda word: len(json.loads(u.do("images", "--json", word)))  # noqa: E731
    assert count("hello") == 2 and count("hello:v1") == 1 and count("team/hello") == 1 and count("other") == 0
    assert count("*:v1") == 2 and count("team/*") == 1 and count(HELLO) == 1
    assert count(two["digest"][7:15]) == 2 and count(two["digest"]) == 2
    assert u.do("images", "-q", "*:v1") == two["digest"][7:19] + "\n"
    u.refused("images", "-q", "--json", says="two forms", code=2)
    u.refused("images", "a", "b", says="too many", code=2)


@case
def damage_is_shown(u):
    layout = u.layout()
    image = layout.image()
    layout.name(image, HELLO)
    with open(layout.blob_path(image["digest"]), "ab") as file:
        file.write(b" ")
    assert "(damaged)" in u.do("images")
    assert json.loads(u.do("images", "--json"))[0]["damaged"]
    u.refused("inspect", "hello", says=["is damaged, it holds sha256:", "remove that file and pull"])
    u.refused("prepare", "hello", says="is damaged, it holds sha256:")


@case
def a_damaged_index_is_told_and_kept(u):
    layout = u.layout()
    layout.name(layout.image(), HELLO)
    for text in ("", "{", "{}}", "[]", '{"manifests": [{"digest": "sha256:1"}]}'):
        layout.write("index.json", text)
        for words in (["images"], ["tag", "hello", "a"], ["rmi", "hello"], ["inspect", "hello"], ["rmi", "--prune"]):
            u.refused(*words, says=["index.json' is damaged (", "move it away"])
        with open(u.at("index.json"), encoding="utf-8") as file:
            assert file.read() == text
    os.unlink(u.at("index.json"))
    assert json.loads(u.do("images", "--json")) == []


@case
def others_stores_are_refused(u):
    layout = u.layout()
    layout.name(layout.image([{"app.wasm": STARTS}]), HELLO)
    u.do("prepare", "hello")
    os.chmod(u.store, 0o777)
    for words in (["images"], ["run", "hello"]):
        u.refused(*words, says=["others may write to the store", "chmod go-w"])
    os.chmod(u.store, 0o700)
    with open(os.path.join(u.folder, "file"), "w", encoding="utf-8"):
        pass
    u.refused("images", env=dict(u.env, SKIFF_STORE=u.folder), says="is no store of images, and holds 'file'")
    assert os.listdir(u.folder) and not os.path.exists(os.path.join(u.folder, "blobs"))
    u.refused("images", env=dict(u.env, SKIFF_STORE="relative"), says="absolute")
    u.refused("images", env=dict(u.env, SKIFF_STORE=os.path.join(u.folder, "file")), says="Not a directory")
    if os.geteuid() != 0:
        return
    os.chmod(u.folder, 0o755)
    u.refused("images", user=SOMEBODY, group=SOMEBODY, extra_groups=[], says="Permission denied")
    os.chown(u.store, SOMEBODY, SOMEBODY)
    for words in (["images"], ["run", "hello"]):
        u.refused(*words, says="belongs to another user (65534)")


@case
def a_store_that_cannot_be_written_is_listed(u):
    layout = u.layout()
    layout.name(layout.image(), HELLO)
    u.do("images")
    command = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 77; shift; exec "$@"'
    words = ["unshare", "-m", "--propagation", "private", "sh", "-c", command, "sh", u.store, u.box.skiff]

    def run(*args):
        return Result(subprocess.run(words + list(args), env=u.env, capture_output=True, check=False, timeout=TIME_LIMIT))
    r = run("images")
    if r.code == 77 or "unshare" in r.err:
        raise Skip("no mounts here")
    assert r.code == 0 and "hello:latest" in r.out, r
    r = run("rmi", "hello")
    assert r.code == 1 and "Read-only file system; SKIFF_STORE may name another" in r.err, r
    assert "hello:latest" in u.do("images")


# -- Names --------------------------------------------------------------------------------------------


@case
def one_more_name(u):
    layout = u.layout()
    one, two = layout.image(), layout.image([{"other.wasm": MODULE}])
    layout.name(one, HELLO)
    layout.name(two, "v7")  # as other tools name what is in a layout
    u.do("tag", "hello", "localhost:5000/hello")
    u.do("tag", one["digest"][7:11], "third:v1")
    u.do("tag", "v7", "other")
    names = [row["reference"] for row in json.loads(u.do("images", "--json"))]
    assert names == [HELLO, "v7", "localhost:5000/hello:latest", "docker.io/library/third:v1",
                     "docker.io/library/other:latest"], names
    u.do("tag", "other", "third:v1")  # stands for something else now
    digests = {row["reference"]: row["digest"] for row in json.loads(u.do("images", "--json"))}
    assert digests["docker.io/library/third:v1"] == two["digest"]
    assert json.loads(u.do("images", "--json"))[-1]["since"].endswith("Z")
    u.refused("tag", "nosuch", "a", says=["there is no image 'nosuch'", "there is: hello:latest, v7, "])
    u.refused("tag", "hello", "Capital", says="Capital", code=2)
    u.refused("tag", "hello", says="NAME is missing", code=2)
    u.refused("tag", "hello", "a@" + two["digest"], says="names a digest, and 'hello' is " + one["digest"])
    u.refused("tag", "a", "b", "c", says="too many", code=2)


@case
def many_name_at_once(u):
    layout = u.layout()
    layout.name(layout.image(), HELLO)
    started = [subprocess.Popen([u.box.skiff, "tag", "hello", "app:v%d" % i], env=u.env) for i in range(24)]
    assert [p.wait(TIME_LIMIT) for p in started] == [0] * 24
    assert len(json.loads(u.do("images", "--json", "app"))) == 24


@case
def what_others_wrote_stays(u):
    layout = u.layout()
    digest = layout.name(layout.image(), HELLO)
    with open(u.at("index.json"), encoding="utf-8") as file:
        index = json.load(file)
    index.update({"x-number": [1, -5, 0.25, 1e300, 12345678901234567890], "x": {"y": [None, True, "\u00fc\u0000"]}})
    index["manifests"][0]["x-more"] = {"urls": ["a"]}
    layout.write("index.json", json.dumps(index))
    u.do("tag", "hello", "more")
    u.do("rmi", "more")
    with open(u.at("index.json"), encoding="utf-8") as file:
        assert json.load(file) == index
    assert u.do("images", "-q") == digest[7:19] + "\n"


# -- Look ---------------------------------------------------------------------------------------------


@case
def an_image_is_shown_as_json(u):
    layout = u.layout()
    one, two = layout.image(packed=True, Env=["A=b"]), layout.image([{"a": b"\x7fELF"}], "linux", "amd64")
    three = layout.image([{"a": b"\x7fELF3"}], "linux", "s390x")
    os.unlink(layout.blob_path(three["digest"]))
    index = layout.index((one, "wasi/wasm"), (two, "linux/amd64"), (three, "linux/s390x"))
    layout.name(index, HELLO)
    layout.name(index, "docker.io/library/other:v1")
    said = json.loads(u.do("inspect", "other:v1"))
    assert said["names"] == [HELLO, "docker.io/library/other:v1"] and said["digest"] == index["digest"]
    assert said["platforms"] == ["wasi/wasm", "linux/amd64"] and said["ready"] is None
    assert len(said["index"]["manifests"]) == 3 and said["mediaType"] == INDEX
    assert [i["fetched"] for i in said["images"]] == [True, True, False]
    assert said["images"][0]["config"]["config"]["Env"] == ["A=b"]
    assert said["images"][0]["manifest"]["mediaType"] == MANIFEST
    assert all(layer["fetched"] and layer["size"] > 0 for layer in said["images"][0]["layers"])
    only = json.loads(u.do("inspect", "--platform", "linux/amd64", "--json", "hello"))
    assert [i["digest"] for i in only["images"]] == [two["digest"]]
    u.refused("inspect", "--platform", "plan9/mips", "hello", says=["plan9/mips", "wasi/wasm"])
    u.refused("inspect", "nosuch", says=["there is no file 'nosuch'", "there is no image 'nosuch'"])
    u.do("prepare", "hello")
    assert json.loads(u.do("inspect", "hello"))["ready"] == one["digest"]


@case
def files_come_before_images(u):
    layout = u.layout()
    layout.name(layout.image(), "docker.io/library/hello.wasm:latest")
    layout.name(layout.image(), HELLO)
    path = os.path.join(u.folder, "hello")
    with open(path, "wb") as file:
        file.write(MODULE)
    assert "images" not in u.do("inspect", path)
    assert "images" not in u.do("inspect", "hello", cwd=u.folder)
    assert '"images"' in u.do("inspect", "hello", cwd="/")
    u.refused("inspect", "hello.wasm", cwd="/", says="hello.wasm: No such file")
    u.refused("inspect", "./hello", cwd="/", says="No such file")
    u.refused("inspect", "--platform", "a/b", path, says="is for images", code=2)


# -- Unpack -------------------------------------------------------------------------------------------


@case
def layers_lie_one_over_the_other(u):
    layout = u.layout()
    image = layout.image([{"app.wasm": MODULE, "etc": None, "etc/a": b"1", "etc/b": b"2"},
                          {"etc/b": b"3", "etc/.wh.a": b""}], packed=True)
    layout.name(image, HELLO)
    os.umask(0o077)
    try:
        ready, files = u.prepared("hello")
    finally:
        os.umask(0o022)
    assert files == {"/app.wasm": MODULE, "/etc/b": b"3"}, files
    assert ready["manifest"] == image["digest"] and "module" not in ready
    assert stat.S_IMODE(os.stat(u.at("roots", ready["root"])).st_mode) == 0o755
    when = os.stat(u.at("ready", image["digest"][7:])).st_mtime_ns
    u.do("prepare", "hello")
    assert os.stat(u.at("ready", image["digest"][7:])).st_mtime_ns == when, "nothing was to be done"
    assert u.names("roots") == [ready["root"]]


@case
def what_is_missing_is_made_again(u):
    layout = u.layout()
    image = layout.image()
    layout.name(image, HELLO)
    ready, files = u.prepared("hello")
    shutil.rmtree(u.at("roots", ready["root"]))
    u.do("prepare", "hello")
    assert os.path.exists(u.at("roots", ready["root"], "app.wasm"))
    path = u.at("ready", image["digest"][7:])
    with open(path, "w", encoding="utf-8") as file:
        file.write("skiff-ready 2\n")
    u.do("prepare", "hello")
    assert u.ready(image["digest"][7:]) == ready


@case
def artifacts_are_their_module(u):
    layout = u.layout()
    titles = ((None, "app.wasm"), ("hello.wasm", "hello.wasm"), ("../../etc/x y;.wasm", "x_y_.wasm"), ("a/", "app.wasm"),
              ("..", "app.wasm"), (".hidden", "app.wasm"), ("\u00fc.wasm", "__.wasm"), ("n" * 400, "n" * 127))
    for number, (title, name) in enumerate(titles):
        data = MODULE + bytes([0, 2, 1, number])
        module = layout.module(data, title)
        image = layout.artifact(module)
        layout.name(image, "docker.io/library/a:v%d" % number)
        ready, files = u.prepared("a:v%d" % number)
        assert files == {"/" + name: data}, files
        assert ready["module"] == "%s /%s" % (module["digest"], name), ready
        inode = os.stat(u.at("roots", ready["root"], name))
        assert inode.st_ino == os.stat(layout.blob_path(module["digest"])).st_ino, "it should be a link"
    layout.name(layout.artifact(layout.module(), layout.module(MODULE + b"\0\2\1x")), "docker.io/library/a:two")
    u.refused("prepare", "a:two", says="several modules as layers: an artifact has exactly one")


@case
def a_module_beside_archives(u):
    layout = u.layout()
    layout.name(layout.image([{"data/x": b"1", "m.wasm": b"old"}], more=[layout.module(title="m.wasm")]), HELLO)
    ready, files = u.prepared("hello")
    assert files == {"/data/x": b"1", "/m.wasm": MODULE}, files
    assert ready["module"].endswith(" /m.wasm")


@case
def a_platform_is_chosen(u):
    layout = u.layout()
    one = layout.image([{"app.wasm": MODULE, "one": b""}])
    two = layout.image([{"app.wasm": MODULE, "two": b""}], "linux", "amd64")
    three = layout.image([{"app.wasm": MODULE, "three": b""}], "linux", "arm64")
    os.unlink(layout.blob_path(three["digest"]))
    index = layout.index((two, "linux/amd64"), (three, "linux/arm64"), (one, "wasi/wasm"))
    layout.name(index, HELLO)
    layout.name(one, "docker.io/library/one:latest")
    assert "/one" in u.prepared("hello")[1]
    assert "/two" in u.prepared("hello", "--platform", "linux/amd64")[1]
    ready = u.ready(index["digest"][7:] + ".linux+amd64")
    assert ready["manifest"] == two["digest"]
    u.do("prepare", "--platform", "linux/x86_64", "hello")
    assert len(u.names("ready")) == 2
    u.refused("prepare", "--platform", "linux/arm64", "hello",
              says=["linux/arm64 was not fetched", "'skiff pull --platform linux/arm64'"])
    u.refused("prepare", "--platform", "linux/s390x", "hello", says=["linux/s390x", "linux/arm64"])
    u.refused("prepare", "--platform", "linux/amd64", "one", says=["linux/amd64", "wasi/wasm"])


@case
def native_images_are_told(u):
    layout = u.layout()
    layout.name(layout.image([{"bin/sh": b"\x7fELF" + bytes(100)}], "linux", "amd64", Entrypoint=["/bin/sh"]), HELLO)
    layout.name(layout.image([{"bin/app": MODULE}], "linux", "amd64"), "docker.io/library/as-linux:latest")
    u.refused("prepare", "hello", says="it is an image for linux/amd64 that runs '/bin/sh': there is no WebAssembly module")
    assert u.names("ready") == [] and u.names("roots") == []
    u.do("prepare", "as-linux")


@case
def what_cannot_be_unpacked_is_told(u):
    layout = u.layout()
    good = tar({"app.wasm": MODULE})
    config = layout.json({"os": "wasi", "architecture": "wasm", "rootfs": {"type": "layers", "diff_ids": [sha256(good)]}},
                         OCI + "config.v1+json")
    foreign = OCI + "layer.nondistributable.v1.tar"
    cut = gzip.compress(good)[:-20]
    cases = {
        "foreign": (layout.manifest(config, [layout.blob(good, foreign)]), "nobody has it"),
        "unknown": (layout.manifest(config, [layout.blob(good, "text/html")]), "layer of the type 'text/html'"),
        "wrong": (layout.image(diff_ids=[sha256(b"x")]), ["layer 1 of 1 (sha256:", "it unpacks to sha256:", "the config says"]),
        "none": (layout.image(diff_ids=[]), "the config has no diff_id for it"),
        "cut": (layout.manifest(config, [layout.blob(cut, OCI + "layer.v1.tar+gzip")]), "layer 1 of 1"),
        "old": (layout.json({"schemaVersion": 1, "fsLayers": [], "history": []},
                            "application/vnd.docker.distribution.manifest.v1+json"), "docker's first version"),
        "text": (layout.blob(b"hello", MANIFEST), "is no manifest"),
        "out": (layout.image([{"../../out": b"x"}]), "layer 1 of 1"),
    }
    gone = layout.image([{"gone.wasm": MODULE}])
    os.unlink(layout.blob_path(json.load(open(layout.blob_path(gone["digest"]), "rb"))["layers"][0]["digest"]))
    cases["gone"] = (gone, ["is not in the store", "pull or build its image again"])
    for name, (image, _) in cases.items():
        layout.name(image, "docker.io/library/%s:latest" % name)
    for name, (_, says) in cases.items():
        u.refused("prepare", name, says=says)
        assert u.names("roots") == [] and u.names("ready") == [], name
    assert not os.path.exists(os.path.join(u.folder, "out"))


@case
def an_image_cannot_ask_for_another_ones_files(u):
    layout = u.layout()
    secret = layout.image([{"app.wasm": MODULE, "secret": b"1234"}])
    layout.name(secret, HELLO)
    u.do("prepare", "hello")
    with open(layout.blob_path(secret["digest"]), "rb") as file:
        claimed = sha256(tar({"app.wasm": MODULE, "secret": b"1234"}))
        assert json.load(file)["layers"][0]["digest"] == claimed
    layout.name(layout.image([{"mine.wasm": MODULE}], diff_ids=[claimed]), "docker.io/library/thief:latest")
    u.refused("prepare", "thief", says="it unpacks to")


@case
def two_unpack_one_image(u):
    layout = u.layout()
    layout.name(layout.image([{"app.wasm": MODULE, **{"f%d" % i: os.urandom(2000) for i in range(500)}}], packed=True), HELLO)
    started = [subprocess.Popen([u.box.skiff, "prepare", "hello"], env=u.env) for _ in range(4)]
    assert [p.wait(TIME_LIMIT) for p in started] == [0] * 4
    assert len(u.names("roots")) == 1 and len(os.listdir(u.at("roots", u.names("roots")[0]))) == 501
    assert len(u.names("ready")) == 1


@case
def whoever_unpacks_is_killed(u):
    layout = u.layout()
    layout.name(layout.image([{"app.wasm": MODULE, **{"f%d" % i: os.urandom(500) for i in range(3000)}}]), HELLO)
    killed = 0
    for step in range(30):
        started = subprocess.Popen([u.box.skiff, "prepare", "hello"], env=u.env)
        time.sleep(step * 0.004)
        killed += started.poll() is None
        started.kill()
        started.wait()
        whole = [name for name in u.names("roots") if len(name) == 64] if os.path.exists(u.at("roots")) else []
        assert all(len(os.listdir(u.at("roots", name))) == 3001 for name in whole)
        if os.path.exists(u.at("ready")) and [n for n in u.names("ready") if "." not in n]:
            assert whole
            u.do("rmi", "hello")
            layout.name(layout.image([{"app.wasm": MODULE, **{"f%d" % i: os.urandom(500) for i in range(3000)}}]), HELLO)
    assert killed > 0
    u.do("prepare", "hello")
    assert len([name for name in u.names("roots") if len(name) == 64]) == 1
    u.do("rmi", "hello")
    assert u.names("roots") == [] and u.names("ready") == [] and u.names("blobs/sha256") == []


@case
def a_disk_is_full_while_unpacking(u):
    disk = os.path.join(u.folder, "disk")
    os.mkdir(disk)
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "none", disk], check=False,
                                           stderr=subprocess.DEVNULL).returncode:
        raise Skip("no mounts here")
    try:
        u.store = os.path.join(disk, "store")
        u.env["SKIFF_STORE"] = u.store
        layout = u.layout()
        layout.name(layout.image([{"app.wasm": MODULE + bytes(4 << 20)}], packed=True), HELLO)
        layout.name(layout.image(), "docker.io/library/small:latest")
        u.refused("prepare", "hello", says="no room")
        assert u.names("roots") == [] and u.names("ready") == []
        assert shutil.disk_usage(disk).free > 500 << 10, "it should not stay full"
        u.do("prepare", "small")
        u.do("rmi", "hello")
    finally:
        subprocess.run(["umount", disk], check=True)


# -- Remove -------------------------------------------------------------------------------------------


@case
def names_go_and_with_the_last_the_rest(u):
    layout = u.layout()
    one, two = layout.image(), layout.image([{"app.wasm": MODULE}, {"more": b"1"}])
    for name, image in ((HELLO, one), ("docker.io/library/hello:v2", one), ("docker.io/library/two:latest", two)):
        layout.name(image, name)
    u.do("prepare", "hello", "two")
    assert u.do("rmi", "hello") == "removed hello:latest\nfreed 0 B\n"
    assert len(u.names("roots")) == 2
    out = u.do("rmi", "hello:v2")
    assert re.fullmatch(r"removed hello:v2\nfreed [0-9.]+ kB\n", out), out
    assert len(u.names("roots")) == 1 and len(u.names("ready")) == 1
    assert len(u.names("blobs/sha256")) == 4, "a layer is of both"
    u.refused("rmi", "hello", says=["there is no image 'hello'", "there is: two:latest"])
    assert u.do("rmi", "-f", "hello") == ""
    r = u.run("rmi", "nosuch", "two", "neither")
    assert r.code == 1 and r.err.count("\n") == 2 and "removed two:latest\nfreed" in r.out, r
    assert u.names("roots") == u.names("ready") == u.names("blobs/sha256") == []
    u.refused("rmi", says="REFERENCE is missing", code=2)


@case
def digits_take_all_names(u):
    layout = u.layout()
    image = layout.image()
    for name in (HELLO, "docker.io/library/hello:v2", None):
        layout.name(image, name)
    out = u.do("rmi", image["digest"][7:19])
    assert out.startswith("removed hello:latest\nremoved hello:v2\nremoved sha256:"), out
    assert json.loads(u.do("images", "--json")) == [] and u.names("blobs/sha256") == []


@case
def an_image_that_a_container_uses_stays(u):
    layout = u.layout()
    layout.name(layout.image(), HELLO)
    ready, _ = u.prepared("hello")
    folder = u.container("web-1", u.at("roots", ready["root"]))
    u.do("tag", "hello", "second")
    u.do("rmi", "second")
    u.refused("rmi", "hello", says=["'hello' is the image of container 'web-1'", "'skiff rm web-1'", "--force"])
    assert "hello:latest" in u.do("images")
    assert u.do("rmi", "--force", "hello").startswith("removed hello:latest\nfreed ")
    assert u.names("roots") == [ready["root"]] and u.names("blobs/sha256") == []
    shutil.rmtree(folder)
    u.do("rmi", "--prune")
    assert u.names("roots") == []


@case
def a_container_keeps_its_image(u):
    """One that skiff made: it has ended, and may be looked at until it is removed."""
    layout = u.layout()
    layout.name(layout.image([{"app.wasm": STARTS}]), HELLO)
    u.do("images")  # who made the layout knows of no locks
    name = "store-test-%d" % os.getpid()
    if os.geteuid() != 0:
        raise Skip("as root it is sure to have a cage")
    u.do("run", "-d", "--name", name, "hello")
    try:
        u.refused("rmi", "hello", says="'hello' is the image of container '%s'" % name)
        u.do("rmi", "--force", "hello")
        assert len(u.names("roots")) == 1
    finally:
        u.do("rm", "--force", name)
    u.do("rmi", "--prune")
    assert u.names("roots") == []


@case
def whoever_uses_the_store_is_waited_for(u):
    layout = u.layout()
    layout.name(layout.image(), HELLO)
    u.do("images")
    with open(u.at("lock"), "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        out = u.do("rmi", "hello")
        assert out == "removed hello:latest\nanother process uses the store: what no name leads to goes when that has ended\n", out
        assert len(u.names("blobs/sha256")) == 3
    u.do("images")  # who ends last collects
    assert u.names("blobs/sha256") == []
    with open(u.at("lock"), "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = subprocess.Popen([u.box.skiff, "images"], env=u.env, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        assert b"waiting for another process, which removes what no image needs" in waiting.stderr.readline()
        fcntl.flock(lock, fcntl.LOCK_UN)
        waiting.communicate(timeout=TIME_LIMIT)
        assert waiting.returncode == 0


@case
def an_index_that_lies_keeps_nobody_from_collecting(u):
    layout = u.layout()
    noise = os.urandom(5 << 20)
    image = layout.image([{"app.wasm": MODULE, "noise": noise}, {"small": b"1"}])
    with open(layout.blob_path(image["digest"]), encoding="utf-8") as file:
        layers = json.load(file)["layers"]
    lies = [(dict(layer, mediaType=MANIFEST), "linux/s390x") for layer in layers]
    layout.name(layout.index((image, "wasi/wasm"), *lies), "docker.io/library/liar:latest")
    layout.name(layout.image(), HELLO)
    before = len(u.names("blobs/sha256"))
    assert "freed " in u.do("rmi", "hello")
    assert len(u.names("blobs/sha256")) == before - 3
    u.prepared("liar")


@case
def manifests_of_many_megabytes_are_refused(u):
    """Of one image: all of them are in memory at once."""
    layout = u.layout()
    big = "x" * ((4 << 20) - 1000)
    images = [(layout.manifest(layout.json({}, OCI + "config.v1+json"), [], annotations={"n": "%d" % i, "big": big}),
               "linux/m%d" % i) for i in range(17)]
    layout.name(layout.index(*images), "localhost:1/many:latest")
    u.refused("push", "localhost:1/many", says="its manifests have more than 64 MiB")


@case
def parts_go_by_prune(u):
    u.do("images")
    for name in ("sha256-" + "0" * 64, "new-12-0"):
        with open(u.at("partial", name), "w", encoding="utf-8") as file:
            file.write("x" * 5000)
    assert re.fullmatch(r"freed [0-9.]+ kB\n", u.do("rmi", "--prune"))
    assert u.names("partial") == []


@case
def many_come_and_go(u):
    layout = u.layout()
    images = [layout.image([{"app.wasm": MODULE, "n": b"%d" % i}]) for i in range(6)]
    for number, image in enumerate(images):
        layout.name(image, "docker.io/library/a:v%d" % number)

    def go(number):
        name = "a:v%d" % number
        script = " && ".join(["%s prepare %s" % (u.box.skiff, name), "%s tag %s b:v%d" % (u.box.skiff, name, number)] +
                             (["%s rmi %s b:v%d" % (u.box.skiff, name, number)] if number % 2 else []))
        return subprocess.Popen(["sh", "-c", script], env=u.env, stdout=subprocess.DEVNULL)
    assert [p.wait(TIME_LIMIT) for p in [go(n) for n in range(6)]] == [0] * 6
    u.do("rmi", "--prune")
    said = json.loads(u.do("images", "--json"))
    assert len(said) == 6 and not any(row["damaged"] for row in said), said
    assert len(u.names("roots")) == 3 and len(u.names("ready")) == 3


# -- Documents ----------------------------------------------------------------------------------------


@case
def documents_agree(u):
    def read(*names):
        with open(os.path.join(TOP, *names), encoding="utf-8") as file:
            return file.read()
    man, manual = read("man", "skiff-image.1.scd"), read("docs", "images.md")
    rows = re.findall(r'^VERB(?:_TOO)?\((\w+),', read("src", "command", "image_verbs.def"), re.M)
    program = os.path.join(os.path.dirname(os.path.abspath(u.box.skiff)), "skiff-image")
    for verb in rows:
        assert re.search(r"^## skiff %s\b" % verb, man, re.M), "skiff-image.1 has no section of %s" % verb
        section = re.split(r"^#", man[re.search(r"^## skiff %s\b" % verb, man, re.M).end():], maxsplit=1, flags=re.M)[0]
        said = subprocess.run([program, verb, "--help"], capture_output=True, check=True, timeout=TIME_LIMIT).stdout.decode()
        for option in set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", said, re.M)) - {"--help"}:
            assert "*%s*" % option in section, "skiff-image.1: %s has no %s" % (verb, option)
    keys = set(re.findall(r'emit_(?:string|u64|bool|null|row|open)\([^,]+, "(\w+)"',
                          read("src", "image", "verb_images.c") + read("src", "image", "verb_inspect.c")))
    for key in keys | {"manifest", "index", "config"}:
        assert "`%s`" % key in manual, "docs/images.md has no `%s`" % key


class Box:
    def __init__(self, skiff):
        self.skiff = os.path.abspath(skiff)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    with contextlib.suppress(KeyError):
        del os.environ["SKIFF_STORE"]
    return run_tests(Box(sys.argv[1]), sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
