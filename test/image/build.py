#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""build.py SKIFF [WORD...]: images as `skiff build` makes them; WORD: only tests whose name has it.

What comes of it is read back from the store's files, by what the specification of the OCI says of them.
"""

import gzip
import hashlib
import io
import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from tap import Skip, run_tests, test  # noqa: E402

# (module (memory 1) (export "memory" (memory 0)) (func (export "_start")))
MODULE = bytes.fromhex("0061736d010000000104016000000302010005030100010713" "02066d656d6f72790200065f737461727400000a040102000b")
COMPONENT = b"\0asm\x0d\0\1\0"


def write(path, data="", mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    os.chmod(path, mode)
    return path


class Box:
    def __init__(self, skiff):
        self.skiff = os.path.abspath(skiff)
        self.home = None
        self.store = None
        self.out = self.err = ""

    def at(self, path):
        return os.path.join(self.home, path)

    def write(self, path, data="", mode=0o644):
        return write(self.at(path), data, mode)

    def run(self, *words, env=None, cwd=None):
        done = subprocess.run([self.skiff] + list(words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=120, cwd=cwd or self.home, check=False,
                              env=dict({k: v for k, v in os.environ.items() if k != "SOURCE_DATE_EPOCH"},
                                       SKIFF_STORE=self.store, SKIFF_CONFIG="", **(env or {})))
        self.out, self.err = done.stdout, done.stderr
        return done.returncode

    def build(self, *words, env=None, cwd=None):
        """The digest of what was built."""
        code = self.run("build", *words, env=env, cwd=cwd)
        assert code == 0, self.err
        return self.out.split()[0]

    def refused(self, *words, says, code=1, env=None):
        got = self.run("build", *words, env=env)
        lines = [line for line in self.err.split("\n") if line]
        assert got == code, "code %d: %s" % (got, self.err)
        assert says in lines[-1], self.err
        assert self.out == "" and (len(lines) == 1 or "Dockerfile: " in lines[0]), self.err
        assert "Sanitizer" not in self.err

    def blob(self, digest):
        with open(os.path.join(self.store, "blobs", *digest.split(":")), "rb") as file:
            data = file.read()
        assert "sha256:" + hashlib.sha256(data).hexdigest() == digest
        return data

    def json(self, digest):
        return json.loads(self.blob(digest))

    def config(self, digest):
        return self.json(self.json(digest)["config"]["digest"])

    def tar(self, digest):
        """The layer's entries; its digests are what config and manifest say."""
        manifest = self.json(digest)
        layer = self.blob(manifest["layers"][0]["digest"])
        assert manifest["layers"][0]["size"] == len(layer)
        assert manifest["layers"][0]["mediaType"] == "application/vnd.oci.image.layer.v1.tar+gzip"
        assert layer[:4] == b"\x1f\x8b\x08\0" and layer[4:8] == b"\0" * 4, layer[:10]
        data = gzip.decompress(layer)
        assert self.config(digest)["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(data).hexdigest()]
        archive = tarfile.open(fileobj=io.BytesIO(data))
        return {info.name: (info, archive.extractfile(info).read() if info.isreg() else b"")
                for info in archive.getmembers()}

    def names(self, digest):
        return sorted(name for name, (info, _) in self.tar(digest).items() if not info.isdir())

    def index(self):
        with open(os.path.join(self.store, "index.json"), encoding="utf-8") as file:
            return {m["annotations"]["org.opencontainers.image.ref.name"]: m for m in json.load(file)["manifests"]}

    def dockerfile(self, text, *words, env=None):
        """Build a Dockerfile in the folder `c`."""
        self.write("c/Dockerfile", text)
        return self.build("-t", "d", self.at("c"), *words, env=env)

    def dockerfile_refused(self, text, *words, says):
        self.write("c/Dockerfile", text)
        self.refused("-t", "d", self.at("c"), *words, says=says)


def case(work):
    """A test with a folder and a store of its own, and a module in it."""
    def run(b):
        with tempfile.TemporaryDirectory(prefix="skiff-build-") as b.home:
            b.store = b.at("store")
            b.write("app.wasm", MODULE)
            os.makedirs(b.at("c"))
            work(b)
    run.__name__ = work.__name__
    return test(run)


# -- Modules ---------------------------------------------------------------------------------------

@case
def a_module(b):
    digest = b.build("app.wasm", "-t", "hello")
    assert b.out == "%s %d bytes hello:latest\n" % (digest, sum(
        len(b.blob(d)) for d in (digest, b.json(digest)["config"]["digest"], b.json(digest)["layers"][0]["digest"])))
    assert b.err.startswith("skiff: one manifest for wasi/wasm: no index, which is what most engines take"), b.err
    manifest, config = b.json(digest), b.config(digest)
    assert manifest["schemaVersion"] == 2 and manifest["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert manifest["config"]["mediaType"] == "application/vnd.oci.image.config.v1+json"
    assert (config["os"], config["architecture"], config["created"]) == ("wasi", "wasm", "1970-01-01T00:00:00Z")
    assert config["config"] == {"Entrypoint": ["/app.wasm"]}, config
    info, data = b.tar(digest)["app.wasm"]
    assert data == MODULE and (info.mode, info.uid, info.gid, info.mtime, info.uname) == (0o755, 0, 0, 0, "")
    entry = b.index()["docker.io/library/hello:latest"]
    assert entry["digest"] == digest and entry["platform"] == {"os": "wasi", "architecture": "wasm"}


@case
def the_same_input_the_same_digest(b):
    words = ("app.wasm", "--dir", b.at("data") + ":/data", "--label", "b=1", "--label", "a=2", "--expose", "80", "-q")
    for name in ("z", "a", "m/n", "m/b"):
        b.write("data/" + name, name)
    first = b.build(*words)
    os.utime(b.at("data/z"), (7, 7))
    shutil.move(b.at("data"), b.at("moved"))
    shutil.copytree(b.at("moved"), b.at("data"))
    os.chmod(b.at("data/a"), 0o600)
    os.chmod(b.at("data/m"), 0o700)
    store, b.store = b.store, b.at("other")
    time.sleep(1.1)  # gzip counts seconds, if it does
    assert b.build(*words, env={"TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8"}) == first
    for name in os.listdir(os.path.join(store, "blobs/sha256")):
        assert os.path.exists(os.path.join(b.store, "blobs/sha256", name))
    os.chmod(b.at("data/a"), 0o755)
    assert b.build(*words) != first


@case
def times(b):
    digest = b.build("app.wasm", "-q", env={"SOURCE_DATE_EPOCH": "86400"})
    assert b.config(digest)["created"] == "1970-01-02T00:00:00Z" and b.tar(digest)["app.wasm"][0].mtime == 86400
    digest = b.build("app.wasm", "--created", "2026-01-31T12:00:00Z", "-q")
    assert b.config(digest)["created"] == "2026-01-31T12:00:00Z" and b.tar(digest)["app.wasm"][0].mtime == 0
    before = int(time.time())
    created = b.config(b.build("app.wasm", "--created", "now"))["created"]
    assert created[:4] == time.strftime("%Y", time.gmtime(before)), created
    for text in ("yesterday", "-5", "2026-01-31", "99999999999999"):
        b.refused("app.wasm", "--created", text, says="--created " + text, code=2)
    b.refused("app.wasm", says="SOURCE_DATE_EPOCH: 'x'", code=2, env={"SOURCE_DATE_EPOCH": "x"})


@case
def names_of_images(b):
    digest = b.build("app.wasm", "-t", "hello", "-t", "team/app:1.2", "-t", "localhost:5000/x")
    assert set(b.index()) == {"docker.io/library/hello:latest", "docker.io/team/app:1.2", "localhost:5000/x:latest"}
    assert [line.split()[-1] for line in b.out.split("\n")[:3]] == ["hello:latest", "team/app:1.2", "localhost:5000/x:latest"]
    assert all(m["digest"] == digest for m in b.index().values())
    b.build(shutil.copy(b.at("app.wasm"), b.at("My App_2.wasm")))
    assert "docker.io/library/my-app-2:latest" in b.index(), b.index()
    b.refused("app.wasm", "-t", "Hello World", says="Hello World", code=2)
    b.refused("app.wasm", "-t", "x@" + digest, says="a digest is what comes of it", code=2)


@case
def what_an_image_says(b):
    digest = b.build("app.wasm", "--env", "A=1", "-e", "B=x=y z", "--env", "A=2", "--label", "module.wasm.image/variant=compat",
                     "--workdir", "/data/./x/", "--user", "1000:1000", "--expose", "8080", "--expose", "53/udp",
                     "--expose", "9000-9002", "--volume", "/data", "--stop-signal", "SIGINT", "--annotation", "a=b",
                     "--cmd", "one", "--cmd", "two words", "--entrypoint", '["/app.wasm", "--serve"]')
    assert b.config(digest)["config"] == {
        "Env": ["A=2", "B=x=y z"], "Labels": {"module.wasm.image/variant": "compat"}, "WorkingDir": "/data/x",
        "User": "1000:1000", "Volumes": {"/data": {}}, "StopSignal": "SIGINT", "Cmd": ["one", "two words"],
        "ExposedPorts": {"8080/tcp": {}, "53/udp": {}, "9000/tcp": {}, "9001/tcp": {}, "9002/tcp": {}},
        "Entrypoint": ["/app.wasm", "--serve"]}, b.config(digest)
    assert b.json(digest)["annotations"] == {"a": "b"}


@case
def options_that_make_no_sense(b):
    for words, says in (
            (("--env", "A"), "--env: 'A' sets no variable: write NAME=VALUE"), (("--env", "=x"), "sets no variable"),
            (("--label", "x"), "--label x: write NAME=VALUE"), (("--annotation", "=x"), "write NAME=VALUE"),
            (("--expose", "0"), "is no port"), (("--expose", "http"), "is no port"), (("--expose", "1-70000"), "is no port"),
            (("--expose", "80/icmp"), "is no port"), (("--expose", "9-8"), "is no port"),
            (("--workdir", "data"), "begins with a slash"), (("--volume", "x"), "begins with a slash"),
            (("--workdir", "/" + "x" * 5000), "too long"),
            (("--format", "tar"), "there are compat and artifact"), (("--entrypoint", '["a'), "no list in JSON"),
            (("--entrypoint", '[1]'), "no list of words"), (("--cmd", '["a\\u0000b"]'), "no list of words"),
            (("--build-arg", "A=1"), "are for Dockerfiles"), (("second.wasm",), "second.wasm"), (("--entripoint", "x"), "--entrypoint"),
            (("--from", "x"), "write STAGE=DIR")):
        b.refused("app.wasm", *words, says=says, code=2)
    b.refused(says="FILE or DIR", code=2)


@case
def an_entrypoint_that_is_not_there(b):
    b.refused("app.wasm", "--entrypoint", "/other.wasm", says="'/other.wasm' shall be started, and is no file of the image")
    b.refused("app.wasm", "--entrypoint", "/", says="is no file of the image")
    for word in ("app.wasm", "./app.wasm", "/app.wasm#run", "/./app.wasm"):
        b.build("app.wasm", "--entrypoint", word)
    b.build("app.wasm", "--workdir", "/w", "--entrypoint", "app.wasm")


@case
def what_is_no_module(b):
    b.write("text.wasm", "(module)")
    b.write("component.wasm", COMPONENT)
    b.write("bad.wasm", MODULE[:-1])
    b.refused("text.wasm", says="text.wasm: malformed module, header, at byte 0x0: this is WebAssembly text; convert")
    b.refused("component.wasm", says="build it for wasm32-wasip1")
    b.refused("bad.wasm", says="bad.wasm: malformed module")
    b.refused(b.skiff, says="this is an ELF program")
    b.refused("none.wasm", says="none.wasm: No such file or directory")
    b.refused("/dev/null", says="a module is a file")
    b.write("empty.wasm", b"")
    b.refused("empty.wasm", says="empty.wasm: malformed")
    assert b.run("images") == 0 and not os.listdir(os.path.join(b.store, "blobs/sha256"))


@case
def directories(b):
    b.write("data/a/b.txt", "b")
    b.write("data/run", "#!", 0o755)
    os.symlink("a/b.txt", b.at("data/link"))
    os.symlink("/etc/passwd", b.at("data/out"))
    os.makedirs(b.at("data/empty"))
    got = b.tar(b.build("app.wasm", "--dir", "data:/srv/data"))
    assert sorted(got) == ["app.wasm", "srv", "srv/data", "srv/data/a", "srv/data/a/b.txt", "srv/data/empty", "srv/data/link",
                           "srv/data/out", "srv/data/run"], sorted(got)
    assert got["srv/data/a/b.txt"][0].mode == 0o644 and got["srv/data/run"][0].mode == 0o755 and got["srv"][0].mode == 0o755
    assert got["srv/data/link"][0].linkname == "a/b.txt" and got["srv/data/out"][0].linkname == "/etc/passwd"
    b.build("app.wasm", "--dir", "data/empty:/e")
    for text in ("data", "data:x", ":/x"):
        b.refused("app.wasm", "--dir", text, says="write HOST:GUEST", code=2)
    for text, says in (("none:/x", "open the directory 'none'"), ("app.wasm:/x", "open the directory 'app.wasm'"),
                       ("data:/app.wasm/x", "which is no directory")):
        b.refused("app.wasm", "--dir", text, says=says)
    os.mkfifo(b.at("data/pipe"))
    b.refused("app.wasm", "--dir", "data:/x", says="'pipe'")


@case
def an_artifact(b):
    digest = b.build("app.wasm", "--format", "artifact", "--annotation", "a=b")
    manifest = b.json(digest)
    assert manifest["config"]["mediaType"] == "application/vnd.wasm.config.v0+json"
    assert [layer["mediaType"] for layer in manifest["layers"]] == ["application/wasm"]
    assert b.blob(manifest["layers"][0]["digest"]) == MODULE and manifest["annotations"] == {"a": "b"}
    assert b.config(digest) == {"created": "1970-01-01T00:00:00Z", "architecture": "wasm", "os": "wasip1",
                                "layerDigests": [manifest["layers"][0]["digest"]]}
    for option, value in (("env", "A=1"), ("entrypoint", "/app.wasm"), ("dir", "c:/c"), ("user", "1"), ("workdir", "/x")):
        b.refused("app.wasm", "--format", "artifact", "--" + option, value, says="an artifact is a module and nothing else: ",
                  code=2)
    b.refused("c", "--format", "artifact", "-f", b.write("c/Dockerfile", "FROM scratch\nCOPY Dockerfile /\n"), says="", code=2)


@case
def as_linux(b):
    digest = b.build("app.wasm", "--as-linux")
    index = b.json(digest)
    assert index["mediaType"] == "application/vnd.oci.image.index.v1+json" and "an index with an entry for linux" in b.err
    platforms = [(m["platform"]["os"], m["platform"]["architecture"]) for m in index["manifests"]]
    assert platforms == [("wasi", "wasm"), ("linux", "amd64"), ("linux", "arm64")], platforms
    for m, platform in zip(index["manifests"], platforms):
        config = b.config(m["digest"])
        assert (config["os"], config["architecture"]) == platform and len(b.blob(m["digest"])) == m["size"]
    assert len({b.json(m["digest"])["layers"][0]["digest"] for m in index["manifests"]}) == 1


@case
def several_platforms(b):
    b.build("app.wasm", "-t", "native:1", "--platform", "linux/amd64")
    assert "one manifest for linux" in b.err
    native = b.out.split()[0]
    digest = b.build("app.wasm", "-t", "both", "--with", "linux/amd64=native:1")
    assert [(m["platform"]["os"], m["digest"] == native) for m in b.json(digest)["manifests"]] == [("wasi", False), ("linux", True)]
    b.build("app.wasm", "-t", "again", "--platform", "wasip1/wasm", "--with", "linux/x86_64=both")
    assert b.json(b.out.split()[0])["manifests"][1]["digest"] == native
    b.build("app.wasm", "-t", "none", "--platform", "wasip1/wasm", "--with", "wasi/wasm=both")
    assert "an index without an entry for linux: containerd's CRI refuses it" in b.err, b.err
    for words, says in ((("--with", "linux/arm64=native:1"), "linux/amd64"), (("--with", "linux/amd64=nothing"), "nothing"),
                        (("--with", "linux/amd64=native:1", "--as-linux"), "linux/amd64 twice")):
        b.refused("app.wasm", "-t", "x", *words, says=says)
    b.refused("app.wasm", "-t", "x", "--with", "native:1", says="write PLATFORM=REFERENCE", code=2)
    b.refused("app.wasm", "-t", "x", "--platform", "plan9", says="write OS/ARCHITECTURE", code=2)


@case
def optimized(b):
    if shutil.which("wasm-opt") is None:
        raise Skip("no wasm-opt here")
    if shutil.which("wat2wasm") is None:
        raise Skip("no wat2wasm here")
    b.write("fat.wat", "(module (func (export \"_start\") (local i32) (drop (i32.add (i32.const 1) (i32.const 2)))" + "(nop)" * 500 + "))")
    subprocess.run(["wat2wasm", b.at("fat.wat"), "-o", b.at("fat.wasm")], check=True)
    digest = b.build("fat.wasm", "--optimize")
    assert len(b.tar(digest)["fat.wasm"][1]) < 100 and b.build("fat.wasm", "-O", "-q") == digest
    b.refused("fat.wasm", "--optimize", says="--optimize needs wasm-opt, which is nowhere in PATH", env={"PATH": "/none"})
    b.write("c/Dockerfile", "FROM scratch\nCOPY fat.wasm /\nENTRYPOINT [\"/fat.wasm\"]\n")
    shutil.copy(b.at("fat.wasm"), b.at("c/fat.wasm"))
    assert len(b.tar(b.build("c", "--optimize"))["fat.wasm"][1]) < 100


@case
def it_is_ready_to_run(b):
    digest = b.build("app.wasm", "-t", "x")
    assert os.path.exists(os.path.join(b.store, "ready", digest.split(":")[1])), os.listdir(b.store)


@case
def a_store_that_cannot_be_written(b):
    b.write("store", "a file")
    b.refused("app.wasm", says="store")


@case
def an_image_of_hello_is_small(b):
    digest = b.build("app.wasm", "-q")
    size = sum(len(b.blob(d)) for d in (digest, b.json(digest)["config"]["digest"], b.json(digest)["layers"][0]["digest"]))
    assert size < 50 << 10, size


# -- Dockerfiles -----------------------------------------------------------------------------------

SEED = """# syntax=docker/dockerfile:1
FROM --platform=$BUILDPLATFORM rust:1.90-slim AS builder

# install the target
RUN rustup target add wasm32-wasi
WORKDIR /app
COPY . .
RUN cargo build \\
    # a comment in between
    --target wasm32-wasi --release

# Stage 2
FROM scratch
COPY --from=builder /app/target/wasm32-wasi/release/app.wasm /app.wasm
LABEL "module.wasm.image/variant" = "compat-smart"
EXPOSE 8080
ENTRYPOINT [ "/app.wasm" ]
"""


@case
def a_dockerfile_of_several_stages(b):
    b.write("out/app/target/wasm32-wasi/release/app.wasm", MODULE)
    digest = b.dockerfile(SEED, "--from", "builder=" + b.at("out"))
    assert b.config(digest)["config"] == {"Entrypoint": ["/app.wasm"], "ExposedPorts": {"8080/tcp": {}},
                                          "Labels": {"module.wasm.image/variant": "compat-smart"}}
    assert b.names(digest) == ["app.wasm"] and "line 15: LABEL: there are blanks around '='" in b.err, b.err
    b.write("c/Dockerfile", SEED.replace(" = ", "="))
    b.refused("c", says="Dockerfile:14: COPY: stage 'builder' (FROM rust:1.90-slim, line 2) is docker's to be built: docker build "
              "--target builder --output type=local,dest=DIR . , and then skiff build --from builder=DIR")
    b.dockerfile_refused(SEED.replace(" = ", "="), "--from", "other=" + b.at("out"), says="stage 'builder'")
    b.refused("c", "--from", "builder=" + b.at("none"), says="--from builder=")


@case
def a_pattern_in_a_stage(b):
    b.write("out/app/target/wasm32-wasi/release/app.wasm", MODULE)
    b.write("out/app/target/wasm32-wasi/debug/app.wasm", b"x")
    b.write("c/Dockerfile", 'FROM rust AS builder\nFROM scratch\nCOPY --from=0 /app/target/*/release/app* /app\nENTRYPOINT ["/app"]\n')
    digest = b.build("c", "--from", "0=" + b.at("out"))
    assert b.names(digest) == ["app"]


@case
def the_smallest_dockerfiles(b):
    b.write("c/app.wasm", MODULE)
    for text in ("FROM scratch\nCOPY app.wasm /app.wasm\n", "from scratch as x\ncopy app.wasm /\n",
                 "\ufeffFROM scratch\r\nCOPY app.wasm /\r\n", "FROM --platform=wasi/wasm scratch\nADD ./app.wasm .\n",
                 "FROM scratch\nCOPY [\"app.wasm\", \"/app.wasm\"]", "FROM scratch\nCOPY 'app.wasm' \"/app.wasm\""):
        digest = b.dockerfile(text + '\nENTRYPOINT ["app.wasm"]\n')
        assert b.names(digest) == ["app.wasm"] and b.err.count("\n") == 1, (text, b.err)
    b.build("-f", b.at("c/Dockerfile"), b.at("c"))
    b.build("-f", b.at("c/Dockerfile"), cwd=b.at("c"))
    digest = b.dockerfile("FROM scratch\nCOPY app.wasm /\n")
    assert "neither ENTRYPOINT nor CMD" in b.err, b.err
    b.dockerfile("FROM scratch\nCOPY app.wasm /\nCMD [\"/none\"]\n")
    assert "what the image starts is not in it" in b.err, b.err


@case
def copies(b):
    for name in ("a.txt", "b.txt", "d/one", "d/sub/two", "sp ace", "[x]"):
        b.write("c/" + name, name)
    for line, names in (
            ("COPY a.txt /x", ["x"]), ("COPY a.txt /x/", ["x/a.txt"]), ("COPY a.txt b.txt /x/", ["x/a.txt", "x/b.txt"]),
            ("COPY *.txt /x/", ["x/a.txt", "x/b.txt"]), ("COPY ?.txt x/", ["x/a.txt", "x/b.txt"]), ("COPY [ab].txt /", ["a.txt", "b.txt"]),
            ("COPY [^a].txt /", ["b.txt"]), ("COPY d /x", ["x/one", "x/sub/two"]), ("COPY d/ /", ["one", "sub/two"]),
            ("COPY d/* /x/", ["x/one", "x/two"]), ("COPY d/*/two /x", ["x"]), ("COPY . /all/", None),
            ("COPY [\"sp ace\", \"/x y\"]", ["x y"]), ("COPY \"sp ace\" /x/", ["x/sp ace"]), ("COPY sp\\ ace /x", ["x"]),
            ("COPY [[]x] /y", ["y"]), ("WORKDIR /w\nCOPY a.txt .", ["w/a.txt"]), ("WORKDIR /w\nWORKDIR v\nCOPY a.txt b", ["w/v/b"]),
            ("COPY a.txt /x\nCOPY b.txt /x", ["x"]), ("COPY d /x\nCOPY a.txt /x", ["x/a.txt", "x/one", "x/sub/two"]),
            ("COPY a.txt \\\n  # why\n\n  b.txt \\\n  /x/", ["x/a.txt", "x/b.txt"]), ("COPY /a.txt ./x/../y", ["y"]),
            ("COPY --link a.txt /x", ["x"]), ("COPY d/../a.txt /x", ["x"])):
        digest = b.dockerfile("FROM scratch\n" + line + "\n")
        assert names is None or b.names(digest) == names, (line, b.names(digest))
    digest = b.dockerfile("FROM scratch\nCOPY --chown=7:8 --chmod=0640 a.txt /x\nCOPY --chown=9 b.txt /y\n")
    got = b.tar(digest)
    assert (got["x"][0].uid, got["x"][0].gid, got["x"][0].mode) == (7, 8, 0o640)
    assert (got["y"][0].uid, got["y"][0].gid, got["y"][0].mode) == (9, 9, 0o644)


@case
def copies_that_are_refused(b):
    b.write("c/a", "1")
    b.write("c/b", "2")
    b.write("c/x.tar.gz", "2")
    b.write("secret", "3")
    for line, says in (
            ("COPY ../secret /x", "'../secret' lies outside of the context"), ("COPY a/../../secret /x", "lies outside"),
            ("COPY none /x", "there is no 'none' in the context"), ("COPY *.wasm /x", "nothing in the context is called '*.wasm'"),
            ("COPY a /a\nCOPY a b /x/../a/z/", "no directory"), ("COPY a", "it needs what is copied"),
            ("COPY ? /x", "has to end with a slash"), ("COPY --chown=web a /x", "knows no names"),
            ("COPY --chmod=u+x a /x", "octal"), ("COPY --chmod=7777 a /x", "octal"), ("COPY --exclude=x a /y", "'--exclude' is not known here"),
            ("COPY --from=nginx:1 /x /y", "there is no stage 'nginx:1'"), ("COPY <<EOF /x\ntext\nEOF", "whose text stands here"),
            ("ADD http://localhost/x /x", "is not fetched"), ("ADD git@host:x /x", "is not fetched"),
            ("ADD x.tar.gz /x", "is not unpacked"), ("ADD --from=x a /x", "'--from' is not known here"),
            ("COPY a /", "")):
        text = "FROM scratch\n" + line + "\n"
        if says:
            b.dockerfile_refused(text, says=says)
            assert "Dockerfile:2: " in b.err or "no directory" in says, b.err
        else:
            b.dockerfile(text)


@case
def links_in_a_context(b):
    b.write("secret", "secret")
    b.write("c/real/file", "mine")
    b.write("c/etc/passwd", "also mine")
    for name, text in (("up", "../secret"), ("root", "/etc/passwd"), ("dir", "real"), ("file", "real/file"), ("outdir", ".."),
                       ("loop", "loop"), ("deep", "dir/file"), ("absolute", b.at("secret"))):
        os.symlink(text, b.at("c/" + name))
    for line, data in (("COPY file /x", b"mine"), ("COPY dir/file /x", b"mine"), ("COPY deep /x", b"mine"),
                       ("COPY root /x", b"also mine"), ("COPY outdir/real/file /x", b"mine")):
        got = b.tar(b.dockerfile("FROM scratch\n" + line + "\n"))
        assert got["x"][1] == data, (line, got)
    got = b.tar(b.dockerfile("FROM scratch\nCOPY dir /x\n"))
    assert got["x/file"][1] == b"mine"
    for line in ("COPY up /x", "COPY absolute /x", "COPY outdir/secret /x", "COPY outdir/../secret /x", "COPY loop /x"):
        b.dockerfile_refused("FROM scratch\n" + line + "\n", says="")
        assert "secret\n" not in b.out
    got = b.tar(b.dockerfile("FROM scratch\nCOPY . /all\n"))
    assert got["all/up"][0].linkname == "../secret" and b"secret" not in [data for _, data in got.values()]


@case
def what_is_ignored(b):
    for name in ("a.txt", "b.md", "d/a.txt", "d/keep.txt", "d/e/a.txt", "node_modules/x/y", "target/app.wasm", "target/junk"):
        b.write("c/" + name, name)

    def left(text, line="COPY . /"):
        b.write("c/.dockerignore", text)
        return [name for name in b.names(b.dockerfile("FROM scratch\n%s\n" % line)) if name not in (".dockerignore", "Dockerfile")]
    everything = left("")
    assert len(everything) == 8
    assert left("*.txt\n") == [n for n in everything if n != "a.txt"]
    assert left("**/*.txt") == ["b.md", "node_modules/x/y", "target/app.wasm", "target/junk"]
    assert left("# d\nnode_modules\n/target/\n") == ["a.txt", "b.md", "d/a.txt", "d/e/a.txt", "d/keep.txt"]
    assert left("*\n!target/app.wasm\n") == ["target/app.wasm"]
    assert left("d\n!d/keep.txt\r\n") == [n for n in everything if n not in ("d/a.txt", "d/e/a.txt")]
    assert left("d/**/a.txt\n") == [n for n in everything if n not in ("d/a.txt", "d/e/a.txt")]
    assert left("d/*\n") == [n for n in everything if not n.startswith("d/")]
    assert left("**\n!**/keep.txt\n") == ["d/keep.txt"]
    b.write("c/.dockerignore", "a.txt\n")
    b.dockerfile_refused("FROM scratch\nCOPY a.txt /x\n", says="left out of the context by its .dockerignore")
    b.write("c/Dockerfile.dockerignore", "b.md")
    assert "a.txt" in left("a.txt")


@case
def variables(b):
    b.write("c/1.0.wasm", MODULE)
    text = """ARG VERSION=0.9
ARG BASE=scratch
FROM ${BASE} AS final
ARG VERSION
ARG NAME=app EMPTY=
ENV A=1 B="two words" C=three\\ words D='$A'
ENV E=$A-${B} F=${NONE:-x${A}y} G=${A:+set} H=${EMPTY:-none} I=${EMPTY-none} J="${NONE}" K=\\$A L="q\\"q" M=$VERSION
ENV OLD a value of words
COPY $VERSION.wasm /$NAME.wasm
LABEL version="$VERSION" "with space"=x
EXPOSE $A ${NONE:-80 81}
WORKDIR /$NAME
USER ${A}
ENTRYPOINT ["/$NAME.wasm"]
CMD ["$A"]
"""
    config = b.config(b.dockerfile(text, "--build-arg", "VERSION=1.0"))["config"]
    assert config["Env"] == ["A=1", "B=two words", "C=three words", "D=$A", "E=1-two words", "F=x1y", "G=set", "H=none", "I=", "J=",
                             "K=$A", "L=q\"q", "M=1.0", "OLD=a value of words"], config["Env"]
    assert config["Labels"] == {"version": "1.0", "with space": "x"} and config["User"] == "1"
    assert set(config["ExposedPorts"]) == {"1/tcp", "80/tcp", "81/tcp"} and config["WorkingDir"] == "/app"
    assert config["Entrypoint"] == ["/$NAME.wasm"] and config["Cmd"] == ["$A"]
    b.dockerfile("FROM scratch\nARG TARGETPLATFORM\nENV P=$TARGETPLATFORM\n", "--build-arg", "NONE=1")
    assert "no ARG of it asks for --build-arg NONE" in b.err
    digest = b.dockerfile("FROM scratch\nARG TARGETPLATFORM\nENV P=$TARGETPLATFORM Q=$TARGETOS\n")
    assert b.config(digest)["config"]["Env"] == ["P=wasi/wasm", "Q="]
    digest = b.dockerfile("# escape=`\nFROM scratch\nENV A=`$x B=C:\\x `\n  D=1\n")
    assert b.config(digest)["config"]["Env"] == ["A=$x", "B=C:\\x", "D=1"]


@case
def platforms_of_dockerfiles(b):
    b.write("c/app.wasm", MODULE)
    text = "FROM --platform=%s scratch\nCOPY app.wasm /\nCMD [\"/app.wasm\"]\n"
    for said, words, expected in (("wasip1/wasm", (), ("wasip1", "wasm")), ("wasi/wasm32", (), ("wasi", "wasm")),
                                  ("$TARGETPLATFORM", ("--platform", "linux/arm64"), ("linux", "arm64")),
                                  ("linux/amd64", ("--platform", "wasi/wasm"), ("wasi", "wasm"))):
        config = b.config(b.dockerfile(text % said, *words))
        assert (config["os"], config["architecture"]) == expected, config
    b.write("c/app.wasm", b"\x7fELF")
    b.dockerfile(text % "wasi/wasm")
    assert "'/app.wasm' is no WebAssembly module" in b.err
    b.dockerfile(text % "linux/amd64")
    assert "is no WebAssembly module" not in b.err
    b.write("c/app.wasm", COMPONENT)
    b.dockerfile_refused(text % "wasi/wasm", says="app.wasm: malformed module")


@case
def the_rest_of_instructions(b):
    b.write("c/app.wasm", MODULE)
    config = b.config(b.dockerfile("""FROM scratch
MAINTAINER somebody
COPY app.wasm /
VOLUME /a "/b c"
VOLUME ["/d"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/other"]
ENTRYPOINT ["/app.wasm"]
CMD []
LABEL a=1
LABEL a=2 b=3
"""))
    assert config["author"] == "somebody" and set(config["config"]["Volumes"]) == {"/a", "/b c", "/d"}
    assert config["config"]["StopSignal"] == "SIGTERM" and config["config"]["Entrypoint"] == ["/app.wasm"]
    assert config["config"]["Labels"] == {"a": "2", "b": "3"} and "Cmd" not in config["config"]


@case
def dockerfiles_that_are_refused(b):
    for text, says in (
            ("", "there is no FROM"), ("FROM alpine\n", "Dockerfile:1: FROM: 'alpine': images are built FROM scratch here"),
            ("FROM scratch\nRUN make\n", "Dockerfile:2: RUN: it is not done here"), ("FROM scratch\nSHELL [\"x\"]\n", "SHELL"),
            ("FROM scratch\n\n# x\nHEALTHCHECK CMD x\n", "Dockerfile:4: HEALTHCHECK"), ("FROM scratch\nONBUILD COPY . .\n", "ONBUILD"),
            ("FROM scratch\nCOPPY a b\n", "Dockerfile:2: there is no instruction 'COPPY', did you mean 'COPY'?"),
            ("FROM scratch\nXYZZY\n", "there is no instruction 'XYZZY'"), ("FROM scratch\nENV\n", "Dockerfile:2: ENV says nothing"),
            ("FROM scratch\nENTRYPOINT /app.wasm\n", "write ENTRYPOINT [\"/app.wasm\"]"), ("FROM scratch\nCMD app\n", "needs a shell"),
            ("FROM scratch\nCMD [\"a\", 1]\n", "no list of words"), ("FROM scratch\nCMD ['a']\n", "no list in JSON"),
            ("FROM scratch\nENV A\n", "write NAME=VALUE"), ("FROM scratch\nENV A=1 B\n", "'B' has no '='"),
            ("FROM scratch\nENV A=\"x\n", "a double quote is not closed"), ("FROM scratch\nENV A='x\n", "a single quote is not closed"),
            ("FROM scratch\nENV A=${B\n", "closing bracket is missing"), ("FROM scratch\nENV A=${B:-${C\n", "closing bracket"),
            ("FROM scratch\nENV A=${B:?must}\n", "it is not set"), ("FROM scratch\nENV A=${B#x}\n", "of operators there are"),
            ("FROM scratch\nENV A=${}\n", "no variable's name"), ("FROM scratch\nEXPOSE x\n", "is no port"),
            ("FROM scratch\nUSER a b\n", "takes one word"), ("FROM scratch AS\n", "write FROM scratch"), ("FROM a b c d\n", "write FROM scratch"),
            ("COPY a /\nFROM scratch\n", "Dockerfile:1: COPY: only ARG may stand before"), ("FROM scratch\nFROM scratch AS x\nFROM x\n", "'x': images are"),
            ("# escape=x\nFROM scratch\n", "Dockerfile:1: the escape character"), ("FROM scratch\n\0\n", "binary data"),
            ("FROM --platform=nonsense/a/b/c/d scratch\n", "Dockerfile:1: FROM"), ("FROM scratch\nWORKDIR /" + "x" * 300 + "\n", "too long"),
            ("FROM scratch\nENV A=" + "${B:-" * 40 + "}" * 40 + "\n", "nested too deeply")):
        b.dockerfile_refused(text, says=says)
    b.refused("-f", b.at("none"), b.at("c"), says="there is no '%s'" % b.at("none"))
    b.refused("-f", b.at("c/Dockerfile"), b.at("none"), says="none: No such file")
    b.write("big/Dockerfile", "#" * (2 << 20))
    b.refused(b.at("big"), says="something bigger")


@case
def documents_of_other_stages(b):
    b.write("c/a", "1")
    digest = b.dockerfile("FROM x AS y\nRUN <<EOF\nFROM nonsense\nXYZZY\nEOF\nRUN <<-'A' cat <<B\nFROM z\n\tA\nXX\nB\nFROM scratch\nCOPY a /\n")
    assert b.names(digest) == ["a"]


@case
def a_dockerfile_is_reproducible(b):
    for name in ("a", "b", "c/d"):
        b.write("c/" + name, name)
    text = "FROM scratch\nCOPY . /x\nENV A=1\nLABEL z=1 a=2\nEXPOSE 80 70\n"
    first = b.dockerfile(text)
    b.store = b.at("other")
    os.utime(b.at("c/a"), (9, 9))
    os.unlink(b.at("c/b"))
    b.write("c/b", "b")
    assert b.dockerfile(text) == first


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if not os.path.exists(os.path.join(os.path.dirname(os.path.abspath(sys.argv[1])), "skiff-image")):
        print("there is no skiff-image beside skiff")
        return 77
    return run_tests(Box(sys.argv[1]), sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
