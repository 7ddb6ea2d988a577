#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""archive.py SKIFF [WORD...]: archives and layouts of images, loaded and saved; WORD: only tests whose name has it.

Archives are made here, of each form that a tool writes, and of forms that nobody should. After each test the store must be sound:
blobs hold what their names say, names lead to what is whole, nothing is left half done.
"""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import pty
import random
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from tap import Skip, run_tests, test  # noqa: E402

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
REF_NAME = "org.opencontainers.image.ref.name"
FULL_NAME = "io.containerd.image.name"
MODULE = b"\0asm\1\0\0\0"
LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
PATIENCE = 120  # seconds


def sha(data, kind="sha256"):
    return kind + ":" + hashlib.new(kind, data).hexdigest()


def blob_name(digest):
    return "blobs/" + digest.replace(":", "/")


def text(value):
    return json.dumps(value).encode()


# -- Images and archives ----------------------------------------------------------------------------------


def entry(name, data=b"", kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(data), kind, link
    return info, data


def link(name, to, kind=tarfile.SYMTYPE):
    return entry(name, kind=kind, link=to)


def tar(*entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def last_byte(data):
    """Where what an archive needs ends: behind it are zeros, and what nobody asks for."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return max(info.offset_data + info.size for info in archive.getmembers() if info.name != "repositories")


def descriptor(data, media_type, kind="sha256", **more):
    return {"mediaType": media_type, "digest": sha(data, kind), "size": len(data), **more}


class Image:
    """One of layers: told from others by `what`."""

    def __init__(self, what="a", platform=("wasi", "wasm"), layers=1, kind="sha256"):
        self.layers = [tar(entry("a.wasm", MODULE), entry("%s-%d" % (what, i), b"x" * 700)) for i in range(layers)]
        self.platform, self.kind = {"os": platform[0], "architecture": platform[1]}, kind
        self.finish()

    def finish(self):
        """Config and manifest of the layers."""
        self.config = text({**self.platform, "config": {"Entrypoint": ["/a.wasm"]},
                            "rootfs": {"type": "layers", "diff_ids": [sha(data) for data in self.layers]}})
        self.manifest = text({"schemaVersion": 2, "mediaType": MANIFEST,
                              "config": descriptor(self.config, CONFIG, self.kind),
                              "layers": [descriptor(data, LAYER, self.kind) for data in self.layers]})

    def parts(self):
        return [self.manifest, self.config] + self.layers

    def blobs(self):
        return [entry(blob_name(sha(data, self.kind)), data) for data in self.parts()]

    def descriptor(self, **more):
        return descriptor(self.manifest, MANIFEST, self.kind, **more)


def named(image, name="docker.io/library/hello:1"):
    return image.descriptor(annotations={REF_NAME: name})


def index_of(*descriptors):
    return text({"schemaVersion": 2, "mediaType": INDEX, "manifests": list(descriptors)})


def layout_of(blobs, *descriptors):
    return [entry("oci-layout", LAYOUT), entry("index.json", index_of(*descriptors))] + blobs


def oci(image, name="docker.io/library/hello:1"):
    return layout_of(image.blobs(), named(image, name))


def docker(image, *tags, config=None, folder="%064x"):
    """As docker before 25 saves it: four entries for each layer, and at the end config, manifest.json, repositories."""
    config = config or sha(image.config)[7:] + ".json"
    entries, names = [], []
    for number, data in enumerate(image.layers):
        here = folder % number
        names.append(here + "/layer.tar")
        entries += [entry(here + "/", kind=tarfile.DIRTYPE), entry(here + "/VERSION", b"1.0"),
                    entry(here + "/json", b"{}"), entry(names[-1], data)]
    manifest = [{"Config": config, "RepoTags": list(tags) or None, "Layers": names}]
    return entries + [entry(config, image.config), entry("manifest.json", text(manifest)),
                      entry("repositories", b'{"hello":{"1":"x"}}')]


def for_docker(saved):
    """manifest.json of an archive; None: there is none."""
    with tarfile.open(fileobj=io.BytesIO(saved)) as archive:
        if "manifest.json" not in archive.getnames():
            return None
        found = json.load(archive.extractfile("manifest.json"))
        assert all(archive.getmember(name).isfile() for m in found for name in [m["Config"]] + m["Layers"])
        return found


def for_docker_of(image, *tags):
    return {"Config": blob_name(sha(image.config)), "RepoTags": list(tags),
            "Layers": [blob_name(sha(data)) for data in image.layers]}


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)
    return path


def put_layout(folder, entries):
    for info, data in entries:
        os.makedirs(os.path.dirname(os.path.join(folder, info.name)), exist_ok=True)
        write(os.path.join(folder, info.name), data)
    return folder


# -- Running it -----------------------------------------------------------------------------------------------


class Ran:
    def __init__(self, args, done):
        self.args, self.code, self.out = args, done.returncode, done.stdout
        self.err = done.stderr.decode(errors="replace")

    def __str__(self):
        return "%s: %d, %r, %r" % (self.args, self.code, self.out[:300], self.err[:600])


class Store:
    def __init__(self, skiff):
        self.skiff = os.path.abspath(skiff)
        # where it costs nothing to have written something, if there is such a place
        there = os.access("/dev/shm", os.W_OK)
        self.folder = tempfile.mkdtemp(prefix="skiff-archive-", dir="/dev/shm" if there else None)
        self.number = 0
        self.fresh()

    def fresh(self):
        """Another store, from now on."""
        self.number += 1
        self.path = self.at("store-%d" % self.number)

    def at(self, name):
        return os.path.join(self.folder, name)

    def environment(self):
        return dict(os.environ, SKIFF_STORE=self.path, XDG_RUNTIME_DIR=self.folder)

    def run(self, *args, data=b""):
        done = subprocess.run([self.skiff, *args], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=PATIENCE, env=self.environment(), check=False)
        return Ran(args, done)

    def load(self, data, *args):
        r = self.run("load", *args, data=data)
        assert r.code == 0 and r.err == "", r
        return [tuple(line.split(" ")) for line in r.out.decode().splitlines()]

    def refuse(self, data, why, *args):
        """One sentence, and no name more than before."""
        before = self.names()
        r = self.run("load", *args, data=data)
        assert r.code == 1 and r.out == b"", (why, str(r))
        assert r.err.startswith("skiff: ") and r.err.count("\n") == 1 and re.search(why, r.err), (why, str(r))
        assert self.names() == before, self.names()
        self.check()

    def save(self, *args):
        r = self.run("save", *args)
        assert r.code == 0 and r.err == "", r
        return r.out

    def mistake(self, code, why, *args):
        r = self.run(*args)
        assert r.code == code and re.search(why, r.err) and (code == 2 or r.err.count("\n") == 1), (why, str(r))
        self.check()

    def index(self):
        path = os.path.join(self.path, "index.json")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as file:
            return json.load(file)["manifests"]

    def names(self):
        return sorted((d["annotations"][REF_NAME], d["digest"]) for d in self.index())

    def blobs(self):
        found = {}
        for kind in ("sha256", "sha512"):
            folder = os.path.join(self.path, "blobs", kind)
            for name in os.listdir(folder) if os.path.isdir(folder) else []:
                with open(os.path.join(folder, name), "rb") as file:
                    found[kind + ":" + name] = file.read()
        return found

    def follow(self, blobs, d, seen):
        data = blobs[d["digest"]]
        assert len(data) == d["size"], d
        if d["digest"] in seen:
            return
        seen.add(d["digest"])
        if d["mediaType"] == MANIFEST:
            manifest = json.loads(data)
            for part in [manifest["config"]] + (manifest["layers"] or []):
                if part["digest"] in blobs or "nondistributable" not in part["mediaType"]:
                    self.follow(blobs, part, seen)
        elif d["mediaType"] == INDEX:
            there = [m for m in json.loads(data)["manifests"] if m["digest"] in blobs]
            assert there, d
            for m in there:
                self.follow(blobs, m, seen)

    def check(self):
        """Sound: and the digests that are needed."""
        blobs, seen = self.blobs(), set()
        for digest, data in blobs.items():
            assert sha(data, digest.split(":", 1)[0]) == digest, digest
        for d in self.index():
            self.follow(blobs, d, seen)
        return seen

    def only(self):
        """... and nothing else is there."""
        assert self.check() == set(self.blobs()), "blobs are left: %s" % sorted(set(self.blobs()) - self.check())
        assert os.listdir(os.path.join(self.path, "partial")) == []

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


# -- What tools write ----------------------------------------------------------------------------------------------


@test
def an_archive_of_the_oci(b):
    b.fresh()
    image = Image()
    assert b.load(tar(*oci(image))) == [("hello:1", sha(image.manifest))]
    assert b.names() == [("docker.io/library/hello:1", sha(image.manifest))]
    b.only()
    # once more: nothing changes
    assert b.load(tar(*oci(image))) == [("hello:1", sha(image.manifest))]
    assert len(b.index()) == 1
    b.only()


@test
def entries_in_any_order_and_with_a_dot(b):
    image = Image(layers=3)
    for seed in range(6):
        b.fresh()
        entries = oci(image)
        random.Random(seed).shuffle(entries)
        for info, _ in entries:
            info.name = "./" + info.name
        dots = [entry("./", kind=tarfile.DIRTYPE), entry("./blobs/", kind=tarfile.DIRTYPE)]
        assert b.load(tar(*dots, *entries)) == [("hello:1", sha(image.manifest))]
        b.only()


@test
def packed_archives(b):
    image = Image()
    data = tar(*oci(image))
    packed = {"gzip": gzip.compress(data), "bzip2": bz2.compress(data), "xz": lzma.compress(data)}
    if shutil.which("zstd"):
        packed["zstd"] = subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
    for kind, content in packed.items():
        b.fresh()
        assert b.load(content) == [("hello:1", sha(image.manifest))], kind
        assert b.load(b"", "-i", write(b.at("packed"), content)), kind
        b.only()


@test
def bombs(b):
    """What comes of some kilobytes: zeros that are packed, and zeros that an archive says were left out."""
    image = Image(layers=1)
    zeros = bytes(128 << 20)
    data = tar(*oci(image), entry(blob_name(sha(zeros)), zeros))
    for packed in (bz2.compress(data), lzma.compress(data, preset=0)):
        b.fresh()
        b.refuse(packed, "it unpacks to more than 1000 times its size")
    b.fresh()
    head = bytearray(entry("layer.tar", bytes(512))[0].tobuf(tarfile.GNU_FORMAT))
    head[156:157], head[386:410] = b"S", b"%011o\0%011o\0" % ((4 << 30) - 512, 512)
    head[483:495], head[148:156] = b"%011o\0" % (4 << 30), b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    b.refuse(bytes(head) + bytes(512 + 1024), "it unpacks to more than 1000 times its size")


@test
def a_layout(b):
    b.fresh()
    image, other = Image(), Image("other")
    folder = put_layout(b.at("layout"), oci(image) + other.blobs())
    assert b.load(b"", "-i", folder) == [("hello:1", sha(image.manifest))]
    b.only()  # what its index does not lead to stays where it is


@test
def docker_before_25(b):
    b.fresh()
    image = Image(layers=3)
    loaded = b.load(tar(*docker(image, "hello:1", "ghcr.io/team/app:2")))
    assert [name for name, _ in loaded] == ["hello:1", "ghcr.io/team/app:2"]
    assert len(b.names()) == 2 and loaded[0][1] == loaded[1][1]
    manifest = json.loads(b.blobs()[loaded[0][1]])
    assert manifest["config"]["digest"] == sha(image.config) and manifest["config"]["mediaType"] == CONFIG
    assert [(d["digest"], d["mediaType"]) for d in manifest["layers"]] == [(sha(x), LAYER) for x in image.layers]
    b.only()
    # what nobody asked for does not stay
    assert b.load(tar(entry("a/layer.tar", b"idle"), *docker(image, "hello:1"), entry("b.json", b"idle, too")))
    b.only()
    # the same content is the same image, in whatever store
    b.fresh()
    assert b.load(tar(*reversed(docker(image, "x:1"))))[0][1] == loaded[0][1]
    b.only()


@test
def a_layer_that_is_there_as_a_link(b):
    image = Image(layers=2)
    hexes = [sha(data)[7:] for data in image.layers]
    layers = [entry(name + ".tar", data) for name, data in zip(hexes, image.layers)]
    manifest = entry("manifest.json", text([{"Config": "sha256:x", "RepoTags": ["hello:1"],
                                             "Layers": ["id-1/layer.tar", "id-2/layer.tar"]}]))
    for kind, up in ((tarfile.SYMTYPE, "../"), (tarfile.LNKTYPE, "")):
        b.fresh()
        links = [link("id-1/layer.tar", up + "id-3/layer.tar", kind), link("id-3/layer.tar", up + hexes[0] + ".tar", kind),
                 link("id-2/layer.tar", up + "./" + hexes[1] + ".tar", kind)]
        assert len(b.load(tar(*links[:2], *layers, links[2], entry("sha256:x", image.config), manifest))) == 1
        b.only()
    b.refuse(tar(link("id-1/layer.tar", "layer.tar"), entry("sha256:x", image.config), manifest),
             "id-1/layer.tar' is missing")


@test
def docker_with_packed_layers(b):
    image = Image(layers=2)
    # the second as far as anybody looks at it here
    packed = [gzip.compress(image.layers[0]), b"\x28\xb5\x2f\xfd" + image.layers[1]]
    b.fresh()
    names = ["a.tar.gz", "b.tar.zst"]
    entries = [entry(name, data) for name, data in zip(names, packed)]
    entries += [entry("config.json", image.config),
                entry("manifest.json", text([{"Config": "config.json", "RepoTags": ["hello:1"], "Layers": names}]))]
    digest = b.load(tar(*entries))[0][1]
    layers = json.loads(b.blobs()[digest])["layers"]
    assert [d["mediaType"] for d in layers] == [LAYER + "+gzip", LAYER + "+zstd"]
    assert [d["size"] for d in layers] == [len(data) for data in packed]
    b.only()


@test
def docker_since_25(b):
    """A layout, and manifest.json beside it: the first counts."""
    b.fresh()
    image = Image()
    d = image.descriptor(annotations={FULL_NAME: "docker.io/library/hello:1", REF_NAME: "1"})
    old = text([{"Config": blob_name(sha(image.config)), "RepoTags": ["hello:1"],
                 "Layers": [blob_name(sha(data)) for data in image.layers]}])
    assert b.load(tar(*layout_of(image.blobs(), d), entry("manifest.json", old))) == [("hello:1", sha(image.manifest))]
    b.only()
    # some keep the paths and leave out the index
    b.fresh()
    assert b.load(tar(*image.blobs()[1:], entry("manifest.json", old)))[0][0] == "hello:1"
    b.only()


@test
def names(b):
    image = Image()
    for annotations, args, name in (
            ({FULL_NAME: "ghcr.io/x/y:2", REF_NAME: "2"}, (), "ghcr.io/x/y:2"),
            ({REF_NAME: "localhost/y:2"}, (), "localhost/y:2"),
            ({FULL_NAME: "Not A Name", REF_NAME: "x/y"}, (), "x/y:latest"),
            ({REF_NAME: "latest"}, ("--name", "x"), "x:latest"),
            ({FULL_NAME: "ghcr.io/x/y:2"}, ("--name", "z:1"), "z:1"),
            ({}, ("--name", "a.b:5000/z:1"), "a.b:5000/z:1")):
        b.fresh()
        data = tar(*layout_of(image.blobs(), image.descriptor(annotations=annotations)))
        assert b.load(data, *args) == [(name, sha(image.manifest))], annotations
    b.fresh()
    for annotations in ({}, {REF_NAME: "latest"}, {REF_NAME: "A b/c"}):
        data = tar(*layout_of(image.blobs(), image.descriptor(annotations=annotations)))
        b.refuse(data, r"nothing says what image sha256:\w+ is called: give it a name by --name REF")
    b.refuse(tar(*docker(image)), "--name REF")
    assert b.load(tar(*docker(image)), "--name", "x")[0][0] == "x:latest"
    b.mistake(2, "write 'hello'", "load", "--name", "Hello")
    b.mistake(2, "a name with a digest", "load", "--name", "a@" + sha(b""))


@test
def several_images(b):
    b.fresh()
    one, two = Image("one"), Image("two")
    entries = layout_of(one.blobs() + two.blobs(), named(one, "x/one:1"), named(two, "x/two:1"), named(one, "x/also:1"))
    assert [name for name, _ in b.load(tar(*entries))] == ["x/one:1", "x/two:1", "x/also:1"]
    b.only()
    b.fresh()
    b.refuse(tar(*entries), "there are several images in it: --name is for one", "--name", "x")
    same = layout_of(one.blobs(), named(one, "x/one:1"), named(one, "x/also:1"))
    assert b.load(tar(*same), "--name", "z") == [("z:latest", sha(one.manifest))]
    first, second = docker(one, "x:1", folder="one-%d"), docker(two, "x:2", folder="two-%d")
    both = json.loads(first[-2][1]) + json.loads(second[-2][1])
    data = tar(*first[:-2], *second[:-2], entry("manifest.json", text(both)))
    b.fresh()
    b.refuse(data, "several images", "--name", "x")
    assert [name for name, _ in b.load(data)] == ["x:1", "x:2"]
    b.only()


@test
def platforms_that_are_missing(b):
    """docker and containerd save the index whole, and of the platforms what is there."""
    wasm, linux = Image(), Image("l", ("linux", "amd64"))
    proof = {"mediaType": MANIFEST, "digest": sha(b"?"), "size": 3,
             "platform": {"os": "unknown", "architecture": "unknown"}}
    inner = index_of(linux.descriptor(platform=linux.platform), wasm.descriptor(platform=wasm.platform), proof)
    outer = descriptor(inner, INDEX, annotations={REF_NAME: "x/y:1"})
    blobs = [entry(blob_name(sha(inner)), inner)]
    b.fresh()
    assert b.load(tar(*layout_of(blobs + wasm.blobs(), outer))) == [("x/y:1", sha(inner))]
    b.only()
    # of one a part and of the other all
    b.fresh()
    data = tar(*layout_of(blobs + linux.blobs()[:1] + wasm.blobs(), outer))
    assert b.run("load", data=data).code == 0
    b.fresh()
    b.refuse(tar(*layout_of(blobs + linux.blobs()[:2], outer)), "nothing of an index is there: sha256:.* is missing")


@test
def artifacts(b):
    for config_type, config, layer_type in (
            ("application/vnd.wasm.config.v0+json", text({"os": "wasip1", "architecture": "wasm"}), "application/wasm"),
            ("application/vnd.wasm.config.v1+json", b"", "application/vnd.wasm.content.layer.v1+wasm"),
            ("application/vnd.oci.empty.v1+json", b"{}", "application/wasm")):
        manifest = text({"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(config, config_type),
                         "layers": [descriptor(MODULE, layer_type)]})
        blobs = [entry(blob_name(sha(data)), data) for data in (manifest, config, MODULE)]
        data = tar(*layout_of(blobs, descriptor(manifest, MANIFEST, annotations={REF_NAME: "x/y:1"})))
        b.fresh()
        assert b.load(data) == [("x/y:1", sha(manifest))]
        saved = b.save("x/y:1")
        assert for_docker(saved) is None
        b.mistake(1, "is an artifact, which docker-archive has no form for: take --format oci-archive",
                  "save", "--format", "docker-archive", "x/y:1")
        b.only()
        b.fresh()
        assert b.load(saved) == [("x/y:1", sha(manifest))]
        b.only()
        # beside an image docker is told of that alone
        image = Image()
        b.load(tar(*oci(image)))
        saved = b.save("x/y:1", "hello:1")
        assert for_docker(saved) == [for_docker_of(image, "hello:1")]
        assert sorted(name for name, _ in b.load(saved)) == ["hello:1", "x/y:1"]


@test
def other_digests_and_no_media_types(b):
    b.fresh()
    image = Image(kind="sha512")
    d = named(image)
    del d["mediaType"]
    assert b.load(tar(*layout_of(image.blobs(), d))) == [("hello:1", sha(image.manifest, "sha512"))]
    assert b.index()[0]["mediaType"] == MANIFEST
    saved = b.save("hello:1")
    b.fresh()
    assert b.load(saved) == [("hello:1", sha(image.manifest, "sha512"))]
    b.only()


@test
def layers_nobody_may_distribute(b):
    image = Image()
    manifest = json.loads(image.manifest)
    manifest["layers"].append({"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar",
                               "digest": sha(b"?"), "size": 9, "urls": ["x"]})
    image.manifest = text(manifest)
    b.fresh()
    assert b.load(tar(*oci(image)))
    assert for_docker(b.save("hello:1")) is None
    b.check()


# -- What is saved -----------------------------------------------------------------------------------------------------


@test
def there_and_back(b):
    image = Image(layers=3)
    for form in ("oci-archive", "docker-archive"):
        b.fresh()
        b.load(tar(*oci(image)))
        saved = b.save("--format", form, "hello:1")
        assert b.save("hello:1", "--format=" + form) == saved
        b.save("-o", b.at("saved"), "--format", form, sha(image.manifest)[7:19])
        with open(b.at("saved"), "rb") as file:
            assert file.read() == saved
        assert not [name for name in os.listdir(b.folder) if ".new-" in name]
        with tarfile.open(fileobj=io.BytesIO(saved)) as archive:
            members = archive.getmembers()
        assert [m.name for m in members] == sorted(m.name for m in members)
        assert all((m.mtime, m.uid, m.gid, m.uname, m.gname) == (0, 0, 0, "", "") for m in members)
        assert for_docker(saved) == [for_docker_of(image, "hello:1")]
        b.fresh()
        assert b.load(saved) == [("hello:1", sha(image.manifest))]
        assert len(b.index()) == 1
        assert b.save("--format", form, "hello:1") == saved
        b.only()


@test
def what_knows_no_index(b):
    """Docker's graph driver has manifest.json alone; so here, where the index is taken out."""
    b.fresh()
    image = Image(layers=3)
    b.load(tar(*oci(image)))
    with tarfile.open(fileobj=io.BytesIO(b.save("hello:1"))) as archive:
        less = [entry(m.name, archive.extractfile(m).read()) for m in archive if m.isfile() and m.name != "index.json"]
    b.fresh()
    name, digest = b.load(tar(*less))[0]
    manifest = json.loads(b.blobs()[digest])
    assert name == "hello:1" and manifest["config"]["digest"] == sha(image.config)
    assert [d["digest"] for d in manifest["layers"]] == [sha(data) for data in image.layers]
    b.check()


@test
def a_layout_is_written(b):
    b.fresh()
    image = Image()
    b.load(tar(*layout_of(image.blobs(), dict(named(image), platform=image.platform))))
    assert b.index()[0]["platform"] == image.platform
    for number, args in enumerate((["--format", "oci", "-o", b.at("out-0")], ["-o", b.at("out-1/")])):
        b.save("hello:1", *args)
        folder = b.at("out-%d" % number)
        with open(os.path.join(folder, "index.json"), encoding="utf-8") as file:
            d = json.load(file)["manifests"][0]
        assert sorted(os.listdir(folder)) == ["blobs", "index.json", "oci-layout"]
        assert "platform" not in d  # `ctr images import` would leave it out
        assert d["annotations"] == {REF_NAME: "docker.io/library/hello:1", FULL_NAME: "docker.io/library/hello:1"}
        assert sorted(os.listdir(os.path.join(folder, "blobs/sha256"))) == sorted(sha(x)[7:] for x in image.parts())
        b.mistake(1, "is not empty: name a new or an empty directory", "save", "hello:1", *args)
        assert os.path.exists(os.path.join(folder, "index.json"))
    os.mkdir(b.at("out-2"))
    b.save("hello:1", "-o", b.at("out-2"))
    b.fresh()
    assert b.load(b"", "-i", b.at("out-2")) == [("hello:1", sha(image.manifest))]
    b.only()


@test
def several_are_saved(b):
    b.fresh()
    one, two = Image("one"), Image("two")
    b.load(tar(*layout_of(one.blobs() + two.blobs(), named(one, "x/one:1"), named(two, "x/two:1"), named(one, "x/also:1"))))
    saved = {form: b.save("--format", form, "x/one:1", "x/two:1", "x/also:1") for form in ("oci-archive", "docker-archive")}
    for form, data in saved.items():
        assert b.save("--format", form, "x/two:1", "x/also:1", "x/one:1", "x/one:1") == data
    for data in saved.values():
        b.fresh()
        assert sorted(b.load(data)) == [("x/also:1", sha(one.manifest)), ("x/one:1", sha(one.manifest)),
                                        ("x/two:1", sha(two.manifest))]
        b.only()
        assert for_docker(data) == [for_docker_of(one, "x/also:1", "x/one:1"), for_docker_of(two, "x/two:1")]


@test
def names_that_docker_has_none_of(b):
    """A digest is no tag: `docker load` would refuse all of it."""
    image = Image()
    for name in ("x/y@" + sha(image.manifest), "x/y:1@" + sha(image.manifest)):
        b.fresh()
        b.load(tar(*oci(image, "docker.io/" + name)))
        for form in ("oci-archive", "docker-archive"):
            saved = b.save("--format", form, name)
            assert for_docker(saved) == [for_docker_of(image)], name
            assert b.load(saved) == [(name, sha(image.manifest))]


@test
def of_several_platforms(b):
    b.fresh()
    wasm, linux = Image(), Image("l", ("linux", "s390x"))
    inner = index_of(linux.descriptor(platform=linux.platform), wasm.descriptor(platform=wasm.platform))
    outer = descriptor(inner, INDEX, annotations={REF_NAME: "x/y:1"})
    b.load(tar(*layout_of([entry(blob_name(sha(inner)), inner)] + wasm.blobs() + linux.blobs(), outer)))
    saved, flat = b.save("x/y:1"), b.save("x/y:1", "--format", "docker-archive")
    b.fresh()
    assert b.load(saved) == [("x/y:1", sha(inner))]
    assert len(b.blobs()) == 7
    assert for_docker(saved) == for_docker(flat) == [for_docker_of(wasm, "x/y:1")]
    b.fresh()
    assert b.load(flat) == [("x/y:1", sha(wasm.manifest))]
    b.only()


def index_of_three(*there):
    """wasm, this machine's linux and another machine's; only some are in the archive."""
    images = {"wasm": Image(), "here": Image("h", ("linux", os.uname().machine)), "other": Image("o", ("linux", "s390x"))}
    inner = index_of(*[image.descriptor(platform=image.platform) for image in images.values()])
    blobs = [entry(blob_name(sha(inner)), inner)] + [blob for name in there for blob in images[name].blobs()]
    outer = [descriptor(inner, INDEX, annotations={REF_NAME: "x/y:%d" % n}) for n in (1, 2)]
    return images, sha(inner), tar(*layout_of(blobs, *outer))


@test
def which_platform_docker_is_told_of(b):
    for there, chosen in ((("wasm", "here", "other"), "here"), (("here",), "here"), (("wasm", "other"), "wasm"),
                          (("wasm",), "wasm"), (("other",), None)):
        images, digest, data = index_of_three(*there)
        b.fresh()
        b.load(data)
        saved = b.save("x/y:1", "x/y:2")
        assert for_docker(saved) == (chosen and [for_docker_of(images[chosen], "x/y:1", "x/y:2")]), there
        assert b.save("x/y:2", "x/y:1") == saved
        if not chosen:
            b.mistake(1, "is not in the store", "save", "--format", "docker-archive", "x/y:1")
            continue
        flat = b.save("--format", "docker-archive", "x/y:1")
        assert for_docker(flat) == [for_docker_of(images[chosen], "x/y:1")], there
        b.fresh()
        assert sorted(b.load(saved)) == [("x/y:1", digest), ("x/y:2", digest)]
        b.only()
        b.fresh()
        assert b.load(flat) == [("x/y:1", sha(images[chosen].manifest))]
        b.only()


@test
def a_platform_that_is_asked_for(b):
    images, _, data = index_of_three("wasm", "here", "other")
    b.fresh()
    b.load(data)
    saved = {(name, form): b.save("--platform", platform, "--format", form, "x/y:1")
             for name, platform in (("wasm", "wasi/wasm"), ("here", "linux"), ("other", "linux/s390x"))
             for form in ("oci-archive", "docker-archive")}
    b.mistake(1, "x/y:1: the index has no image for linux/riscv64, it has wasi/wasm, ",
              "save", "--platform", "linux/riscv64", "x/y:1")
    b.mistake(2, "option '--platform': '/' is not a platform", "save", "--platform", "/", "x/y:1")
    for (name, form), archive in saved.items():
        assert for_docker(archive) == [for_docker_of(images[name], "x/y:1")], (name, form)
        b.fresh()
        assert b.load(archive) == [("x/y:1", sha(images[name].manifest))], (name, form)
        b.only()
    # into a directory, too
    b.fresh()
    b.load(data)
    b.save("--platform", "wasi", "-o", b.at("one-platform/"), "x/y:1")
    assert len(os.listdir(b.at("one-platform/blobs/sha256"))) == len(images["wasm"].parts())
    # what of it is not there cannot be chosen
    b.fresh()
    b.load(index_of_three("wasm")[2])
    b.mistake(1, "is not in the store", "save", "--platform", "linux", "x/y:1")


@test
def mistakes_of_saving(b):
    b.fresh()
    b.load(tar(*oci(Image())))
    b.mistake(1, "there is no image 'nope'.* there is: hello:1", "save", "nope")
    b.mistake(2, "REF", "save")
    b.mistake(2, "unknown format 'oci-archiv', did you mean 'oci-archive'", "save", "--format", "oci-archiv", "hello:1")
    b.mistake(2, "a layout is a directory: name it by -o DIR", "save", "--format", "oci", "hello:1")
    b.mistake(1, "write '/dev/full': No space left on device", "save", "-o", "/dev/full", "hello:1")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([b.skiff, "save", "hello:1"], stdout=full, stderr=subprocess.PIPE, env=b.environment(),
                              timeout=PATIENCE, check=False)
    assert done.returncode == 1 and b"standard output" in done.stderr, done
    b.mistake(1, "No such file or directory", "save", "-o", b.at("no/such/file"), "hello:1")
    b.mistake(1, "No such file or directory", "save", "-o", b.at("no/such/folder/"), "hello:1")
    b.mistake(1, "Not a directory", "save", "--format", "oci", "-o", write(b.at("file"), b"x"), "hello:1")
    os.mkdir(b.at("others"))
    write(b.at("others/file"), b"x")
    b.mistake(1, "is not empty: name a new or an empty directory", "save", "-o", b.at("others"), "hello:1")
    assert os.listdir(b.at("others")) == ["file"]


@test
def a_damaged_store_is_not_saved(b):
    b.fresh()
    image = Image()
    b.load(tar(*oci(image)))
    path = os.path.join(b.path, blob_name(sha(image.layers[0])))
    os.chmod(path, 0o644)
    with open(path, "r+b") as file:
        file.write(b"!")
    for args in (["-o", b.at("damaged.tar")], ["-o", b.at("damaged/")]):
        r = b.run("save", "hello:1", *args)
        assert r.code == 1 and re.search("is damaged: pull, build or load its image again", r.err), r
        assert not [name for name in os.listdir(b.folder) if name.startswith("damaged")]
    os.unlink(path)
    r = b.run("save", "hello:1", "-o", b.at("damaged.tar"))
    assert r.code == 1 and "is not in the store" in r.err, r


@test
def terminals(b):
    b.fresh()
    b.load(tar(*oci(Image())))
    for args, why in ((["save", "hello:1"], b"not for a terminal"), (["load"], b"no archive comes from a terminal")):
        main, side = pty.openpty()
        try:
            done = subprocess.run([b.skiff, *args], stdin=side, stdout=side, stderr=subprocess.PIPE,
                                  env=b.environment(), timeout=PATIENCE, check=False)
        finally:
            os.close(main)
            os.close(side)
        assert done.returncode == 2 and why in done.stderr, done


# -- What nobody should write ---------------------------------------------------------------------------------------------


@test
def what_is_no_archive(b):
    b.fresh()
    for data in (b"", b"\0", b"text\n", MODULE, b"<html>" * 500, gzip.compress(b"text"), b"\x1f\x8b" * 2000):
        b.refuse(data, "it is no archive of an image, which 'skiff save' or 'docker save' makes")
    b.refuse(b"\0" * 10240, "it has neither index.json nor manifest.json: no image was saved there")
    b.refuse(tar(entry("a.wasm", MODULE)), "it has neither index.json nor manifest.json")
    b.refuse(b"", "No such file", "-i", b.at("nothing"))
    os.mkdir(b.at("empty"))
    b.refuse(b"", "it is no OCI layout: there is no oci-layout", "-i", b.at("empty"))
    b.mistake(2, "file.tar", "load", "file.tar")


@test
def cut_anywhere(b):
    image = Image()
    for entries in (oci(image), docker(image, "hello:1")):
        b.fresh()
        data = tar(*entries)
        needed = last_byte(data)
        for size in sorted(set(range(0, needed, 1536)) | {511, 513, 1023, needed - 1}):
            b.refuse(data[:size], "skiff: standard input: ")
        assert b.load(data[:needed + 512 - needed % 512])
    packed = gzip.compress(tar(*oci(image)))
    b.fresh()
    for size in range(10, len(packed) - 8, len(packed) // 25):
        b.refuse(packed[:size], "skiff: standard input: it ")


@test
def a_byte_that_changed(b):
    """Wherever it is: the image is right or there is none."""
    data = tar(*oci(Image()))
    for at in range(0, len(data), 97):
        b.fresh()
        r = b.run("load", data=data[:at] + bytes([data[at] ^ 0x21]) + data[at + 1:])
        assert r.code in (0, 1) and r.err.count("\n") == r.code, (at, str(r))
        b.check()
        assert r.code == 0 or b.names() == [], at
        shutil.rmtree(b.path)


@test
def blobs_that_are_not_what_they_are_called(b):
    b.fresh()
    image = Image()
    for number in range(3):
        entries = oci(image)
        info, content = entries[2 + number]
        entries[2 + number] = entry(info.name, content[:-1] + b"~")
        b.refuse(tar(*entries), "'%s': what came is sha256:" % info.name)
    # and another time it is right
    assert b.load(tar(*oci(image)))
    b.only()


@test
def names_that_lead_out(b):
    b.fresh()
    good = oci(Image())
    for bad in (entry("../x", b"x"), entry("/etc/x", b"x"), entry("a/../../x", b"x"),
                entry("blobs/sha256/../../../x", b"x"), entry("..", b"x"), entry("a/.."), entry("x" * 600, b"x")):
        b.refuse(tar(bad, *good), "leads out of it, or is too long: no image is saved so")
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        for to in ("../../x", "/etc/passwd", "a/../../../x"):
            b.refuse(tar(link("a/layer.tar", to, kind), *good), "is a link that leads out of it: no image is saved so")
    for kind in (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE):
        b.refuse(tar(entry("device", kind=kind), *good), "is neither a file nor a directory: no image is saved so")
    b.refuse(tar(entry("blobs/md5/" + "0" * 32, b"x"), *good), "is not a digest: it begins with neither")
    b.refuse(tar(entry("blobs/sha256/" + "0" * 63, b"x"), *good), "belong 64 digits")
    b.refuse(tar(entry("blobs/sha256/a/b", b"x"), *good), "belong 64 digits")


@test
def links_in_circles(b):
    b.fresh()
    entries = [link("a/layer.tar", "../b/layer.tar"), link("b/layer.tar", "../a/layer.tar")]
    b.refuse(tar(*entries, entry("c.json", Image().config), entry("manifest.json", text(
        [{"Config": "c.json", "RepoTags": ["x"], "Layers": ["a/layer.tar"]}]))), "'a/layer.tar' is missing")
    # a link in the place of an index is none
    b.refuse(tar(link("index.json", "x.json"), entry("x.json", index_of())), "it has neither")


@test
def things_that_are_there_twice(b):
    b.fresh()
    image = Image()
    for name, content in (("index.json", index_of()), ("oci-layout", LAYOUT)):
        b.refuse(tar(*oci(image), entry(name, content)), "its entry '%s' is there twice" % name)
    entries = docker(image, "x:1")
    b.refuse(tar(*entries, entry("%064x/layer.tar" % 0, b"other")), "layer.tar' is there twice")
    # a blob again is the same, or is not looked at
    assert b.load(tar(*oci(image), *image.blobs(), entry(image.blobs()[2][0].name, b"other")))
    b.only()


@test
def sizes_that_lie(b):
    b.fresh()
    image = Image()
    d = named(image)
    for wrong in (0, 5, d["size"] - 1, d["size"] + 1, 1 << 62):
        b.refuse(tar(*layout_of(image.blobs(), dict(d, size=wrong))),
                 "has %d bytes, and is said to have %d" % (d["size"], wrong))
    other = Image()
    manifest = json.loads(other.manifest)
    manifest["layers"][0]["size"] += 1
    other.manifest = text(manifest)
    b.refuse(tar(*oci(other)), "bytes, and is said to have")
    # of a directory, too: no more is read than was said
    b.fresh()
    b.refuse(b"", "bytes, and is said to have", "-i", put_layout(b.at("lying"), oci(other)))
    b.refuse(b"", "more than 5 bytes come", "-i",
             put_layout(b.at("less"), layout_of(image.blobs(), dict(d, size=5))))
    # a header that promises more than comes
    data = bytearray(tar(entry("oci-layout", LAYOUT), entry("index.json", index_of())))
    head = data[1024:1536]
    head[124:136] = b"00000100000\0"
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    data[1024:1536] = head
    b.refuse(bytes(data[:2048]), "it ends, or is damaged, within 'index.json'")


@test
def parts_that_are_missing(b):
    image = Image(layers=2)
    for number, data in enumerate(image.parts()):
        entries = oci(image)
        del entries[2 + number]
        b.fresh()
        b.refuse(tar(*entries), "%s is missing" % sha(data))
        b.fresh()
        folder = put_layout(b.at("layout-without-%d" % number), entries)
        b.refuse(b"", "blobs/sha256/%s is missing" % sha(data)[7:], "-i", folder)
    entries = docker(image, "x:1")
    for number in (3, 7, -3):
        b.fresh()
        less = [e for e in entries if e is not entries[number]]
        b.refuse(tar(*less), "'%s' is missing" % entries[number][0].name)


@test
def bad_indexes(b):
    image = Image()
    b.fresh()

    def index(content):
        return tar(entry("oci-layout", LAYOUT), entry("index.json", content), *image.blobs())

    b.refuse(index(b""), "index.json: the index: line 1, column 1")
    b.refuse(index(b"[]"), "index.json: the index: must be an object, is an array")
    b.refuse(index(b"{}"), "index.json: manifests: is missing")
    b.refuse(index(b"[" * 5000), "more than 64 arrays and objects")
    b.refuse(index(index_of()), "there is no image in it")
    b.refuse(index(index_of()), "there is no image in it", "--name", "x")
    b.refuse(index(index_of(dict(named(image), digest="sha256:../../x"))), r"manifests\[0\].digest: ")
    b.refuse(index(b" " * (4 << 20) + b"{}"), "index.json: 4194306 bytes are more than the 4194304 allowed")
    b.refuse(index(index_of(dict(named(image), mediaType="text/html"))),
             "is neither a manifest nor an index, it is text/html")
    b.refuse(index(index_of(dict(named(image), mediaType=INDEX))), "is not an index")
    b.refuse(index(index_of(descriptor(image.config, MANIFEST, annotations={REF_NAME: "x/y:1"}))), "sha256:.*: ")
    for version, why in ((b'{"imageLayoutVersion":"2.0"}', "version '2.0' of layouts is not known"), (b"{}", "version ''"),
                         (b"x", "oci-layout: line 1"), (b"[]", "version ''"), (b" " * 5000, "5000 bytes are more than")):
        b.refuse(tar(entry("oci-layout", version), *oci(image)[1:]), why)


@test
def manifests_of_old(b):
    b.fresh()
    old = text({"schemaVersion": 1, "name": "library/hello", "fsLayers": []})
    media_type = "application/vnd.docker.distribution.manifest.v1+json"
    d = descriptor(old, media_type, annotations={REF_NAME: "x/y:1"})
    b.refuse(tar(*layout_of([entry(blob_name(sha(old)), old)], d)), "1 is docker's form of before 2017")


@test
def bad_lists_of_docker(b):
    b.fresh()
    image = Image(layers=2)
    parts = docker(image, "x:1")
    good = json.loads(parts[-2][1])[0]

    def archive(content):
        return tar(*parts[:-2], entry("manifest.json", content if isinstance(content, bytes) else text(content)))

    for content, why in (
            (b"", "manifest.json: line 1"), (b"{", "manifest.json: line 1"), ({}, "must be an array of 1 to 256 images"),
            ([], "must be an array of 1 to 256 images"), ([good] * 257, "must be an array of 1 to 256 images"),
            ([None], r"\[0\].Config: must be a string"), ([dict(good, Config=7)], r"\[0\].Config: must be a string"),
            ([dict(good, Config="other.json")], "'other.json' is missing"),
            ([dict(good, Config="../other.json")], "'../other.json' is no name of an entry"),
            ([dict(good, Config="/etc/passwd")], "'/etc/passwd' is no name of an entry"),
            ([dict(good, Config=good["Layers"][0])], "layer.tar': the config: line 1"),
            ([dict(good, Layers="x")], r"\[0\].Layers: must be an array"),
            ([dict(good, Layers=[1, 2])], r"\[0\].Layers: each must be a string"),
            ([dict(good, Layers=good["Layers"][:1])], r"\[0\].Layers: has 1 entries, its config has 2"),
            ([dict(good, Layers=good["Layers"][::-1])], "is not the layer sha256:.* that its config says it is"),
            ([dict(good, RepoTags="x")], r"\[0\].RepoTags: must be an array"),
            ([dict(good, RepoTags=[1])], r"\[0\].RepoTags: each must be a string"),
            ([dict(good, RepoTags=["https://x"])], "no address of the web"),
            (b" " * (4 << 20) + b"[]", "manifest.json: 4194306 bytes are more than")):
        b.refuse(archive(content), why)
    wrong = "%064x.json" % 7
    b.refuse(tar(*docker(image, "x:1", config=wrong)), "'%s' holds sha256:" % wrong)
    assert b.load(archive([good]))


@test
def too_many_entries(b):
    b.fresh()
    many = [entry("a/%d" % i, kind=tarfile.DIRTYPE) for i in range(20001)]
    b.refuse(gzip.compress(tar(*many)), "it has more than 20000 entries")


@test
def indexes_in_indexes(b):
    b.fresh()
    image = Image()
    inner, blobs = image.descriptor(platform=image.platform), image.blobs()
    for depth in range(1, 10):
        content = index_of(*[inner] * 300)  # followed each time it would be 300 to the power of depth
        blobs.append(entry(blob_name(sha(content)), content))
        inner = descriptor(content, INDEX)
        data = tar(*layout_of(blobs, dict(inner, annotations={REF_NAME: "x/y:%d" % depth})))
        if depth <= 7:
            b.load(data)
        else:
            b.refuse(data, "more than 7 indexes in each other")
    b.check()


@test
def odd_things_in_a_layout(b):
    image = Image()
    layer = blob_name(sha(image.layers[0]))
    for number, (make, why) in enumerate((
            (os.mkfifo, "is no file"), (os.mkdir, "is no file"),
            (lambda path: os.symlink("/etc/passwd", path), "bytes|what came"),
            (lambda path: os.symlink(path, path), "Too many levels"),
            (lambda path: write(path, b"x"), "what came is sha256:"))):
        b.fresh()
        folder = put_layout(b.at("odd-%d" % number), oci(image))
        os.unlink(os.path.join(folder, layer))
        make(os.path.join(folder, layer))
        b.refuse(b"", why, "-i", folder)
    folder = put_layout(b.at("odd-index"), oci(image))
    os.unlink(os.path.join(folder, "index.json"))
    os.mkfifo(os.path.join(folder, "index.json"))
    b.refuse(b"", "index.json: ", "-i", folder)


# -- Others, and ends -----------------------------------------------------------------------------------------------------------


@test
def killed_at_any_moment(b):
    image = Image(layers=8)
    data = tar(*oci(image))
    b.fresh()
    for size in range(0, last_byte(data), len(data) // 12):
        process = subprocess.Popen([b.skiff, "load"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env=b.environment())
        process.stdin.write(data[:size])
        process.stdin.flush()
        for _ in range(200):  # until it has begun; how far it came does not matter
            if os.path.isdir(os.path.join(b.path, "blobs")):
                break
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
        process.stdin.close()
        b.check()
        assert b.names() == []
    assert b.load(data) == [("hello:1", sha(image.manifest))]
    b.only()


@test
def several_at_once(b):
    b.fresh()
    images = [Image(layers=4), Image("b", layers=4)]
    paths = [write(b.at("at-once-%d" % n), tar(*oci(image, "x/y:%d" % n))) for n, image in enumerate(images)]
    running = [subprocess.Popen([b.skiff, "load", "-i", paths[n % 2]], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=b.environment()) for n in range(6)]
    for process in running:
        _, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
    assert b.names() == [("docker.io/x/y:%d" % n, sha(image.manifest)) for n, image in enumerate(images)]
    b.only()


@test
def a_full_disk(b):
    mount = b.at("small")
    os.mkdir(mount)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "skiff-test", mount], stderr=subprocess.PIPE,
                          check=False)
    if done.returncode != 0:
        raise Skip("a file system of our own takes root")
    try:
        big = Image()
        big.layers = [tar(entry("a", os.urandom(600000))), tar(entry("b", os.urandom(600000)))]
        big.finish()
        b.path = os.path.join(mount, "store")
        for entries in (oci(big), docker(big, "x:1")):
            b.refuse(tar(*entries), "No space left on device")
        assert b.load(tar(*oci(Image())))
        b.only()
    finally:
        b.fresh()
        subprocess.run(["umount", "-l", mount], check=True)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    store = Store(sys.argv[1])
    try:
        return run_tests(store, sys.argv[2:])
    finally:
        store.close()


if __name__ == "__main__":
    sys.exit(main())
