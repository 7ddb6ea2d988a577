#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""shapes.py: each shape of image as its specification has it, without any program of ours or anybody's.

A shape is made into an OCI image layout, byte by byte, and sent to a registry as it is: no tool that would mend it in between.
The rows of SHAPES are the rows of the interoperation table; interop.py makes some of them by `skiff build` as well.
"""

import collections
import gzip
import hashlib
import http.client
import io
import json
import os
import ssl
import tarfile
import urllib.parse

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."
MANIFESTS = [OCI + "manifest.v1+json", OCI + "index.v1+json", DOCKER + "distribution.manifest.v2+json",
             DOCKER + "distribution.manifest.list.v2+json"]
WHEN = "2026-01-01T00:00:00Z"

Shape = collections.namedtuple("Shape", "name platform what")

SHAPES = [
    Shape("compat", "wasi/wasm", "compat image, `wasi/wasm`"),
    Shape("compat-wasip1", "wasip1/wasm", "compat image, `wasip1/wasm`"),
    Shape("as-linux", "linux/amd64", "compat image, labelled `linux/amd64`"),
    Shape("index-wasm", "wasi/wasm", "index of a `wasi/wasm` image only"),
    Shape("index-native", "wasi/wasm", "index of a native `linux/amd64` image and a `wasi/wasm` one"),
    Shape("index-same", "wasi/wasm", "index of the module twice, as `linux/amd64` and as `wasi/wasm`"),
    Shape("index-attested", "wasi/wasm", "index of a `wasi/wasm` image and its attestation"),
    Shape("runwasi", "wasip1/wasm", "image whose layer is the module, `diff_ids` empty (runwasi)"),
    Shape("artifact", "wasip1/wasm", "CNCF wasm artifact"),
    Shape("wasm-to-oci", "wasi/wasm", "artifact of `wasm-to-oci`"),
]
NO_SETTINGS = ("artifact", "wasm-to-oci")  # they have no place for an entrypoint, arguments and variables


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def plain(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


class Layout:
    """An OCI image layout in memory: blobs by digest, and the one descriptor its index.json has."""

    def __init__(self):
        self.blobs = {}
        self.top = None

    def blob(self, data, media_type, **more):
        name = digest(data)
        self.blobs[name] = data
        return dict(mediaType=media_type, digest=name, size=len(data), **more)

    def json(self, value, media_type, **more):
        return self.blob(plain(value), media_type, **more)

    def manifest(self, config, layers, **more):
        value = dict(schemaVersion=2, mediaType=OCI + "manifest.v1+json", config=config, layers=layers)
        about = {key: more.pop(key) for key in ("artifactType", "annotations") if key in more}
        return self.json(dict(value, **about), OCI + "manifest.v1+json", **more)

    def index(self, manifests):
        value = dict(schemaVersion=2, mediaType=OCI + "index.v1+json", manifests=manifests)
        return self.json(value, OCI + "index.v1+json")

    def write(self, folder, name):
        """An OCI layout; of an image of one platform also what `docker save` adds to one."""
        os.makedirs(os.path.join(folder, "blobs", "sha256"))
        for key, data in self.blobs.items():
            with open(os.path.join(folder, "blobs", key.replace(":", "/")), "wb") as out:
                out.write(data)
        top = dict(self.top, annotations={"org.opencontainers.image.ref.name": name})
        files = [("oci-layout", {"imageLayoutVersion": "1.0.0"}), ("index.json", {"schemaVersion": 2, "manifests": [top]})]
        manifest = json.loads(self.blobs[self.top["digest"]])
        if manifest.get("config", {}).get("mediaType") == OCI + "config.v1+json":
            def path(descriptor):
                return "blobs/" + descriptor["digest"].replace(":", "/")
            files.append(("manifest.json", [{"Config": path(manifest["config"]), "RepoTags": [name],
                                             "Layers": [path(layer) for layer in manifest["layers"]]}]))
        for file, value in files:
            with open(os.path.join(folder, file), "wb") as out:
                out.write(plain(value))


def read_layout(folder):
    """What another tool wrote, with all its blobs."""
    layout = Layout()
    with open(os.path.join(folder, "index.json"), "rb") as file:
        layout.top = json.load(file)["manifests"][0]
    for kind in os.listdir(os.path.join(folder, "blobs")):
        for name in os.listdir(os.path.join(folder, "blobs", kind)):
            with open(os.path.join(folder, "blobs", kind, name), "rb") as file:
                layout.blobs[kind + ":" + name] = file.read()
    return layout


# -- making them -------------------------------------------------------------------------------------------


def tar_of(path, data):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        info = tarfile.TarInfo(path)
        info.size, info.mode, info.mtime = len(data), 0o755, 0
        tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def compat(layout, system, machine, path, data, shape):
    """One file in one layer, below nothing; its descriptor, with the platform."""
    tar = tar_of(path, data)
    layer = layout.blob(gzip.compress(tar, 9, mtime=0), OCI + "layer.v1.tar+gzip")
    config = layout.json({
        "created": WHEN, "architecture": machine, "os": system,
        "config": {"Env": ["SHAPE=" + shape], "Entrypoint": ["/" + path, "one"]},
        "rootfs": {"type": "layers", "diff_ids": [digest(tar)]},
        "history": [{"created": WHEN, "created_by": "shapes.py"}],
    }, OCI + "config.v1+json")
    return layout.manifest(config, [layer], platform={"architecture": machine, "os": system})


def artifact(layout, module):
    layer = layout.blob(module, "application/wasm")
    config = layout.json({"created": WHEN, "architecture": "wasm", "os": "wasip1",
                          "layerDigests": [layer["digest"]]}, "application/vnd.wasm.config.v0+json")
    return layout.manifest(config, [layer], artifactType="application/vnd.wasm.config.v0+json")


def wasm_to_oci(layout, module):
    layer = layout.blob(module, "application/vnd.wasm.content.layer.v1+wasm",
                        annotations={"org.opencontainers.image.title": "hello.wasm"})
    config = layout.json({}, "application/vnd.wasm.config.v1+json")
    return layout.manifest(config, [layer])


def runwasi(layout, module):
    layer = layout.blob(module, "application/vnd.bytecodealliance.wasm.component.layer.v0+wasm",
                        annotations={"org.opencontainers.image.title": "hello.wasm"})
    config = layout.json({
        "created": WHEN, "architecture": "wasm", "os": "wasip1",
        "config": {"Env": ["SHAPE=runwasi"], "Entrypoint": ["/hello.wasm", "one"],
                   "Labels": {"containerd.runwasi.layers": layer["digest"]}},
        "rootfs": {"type": "layers", "diff_ids": []},
    }, OCI + "config.v1+json")
    return layout.manifest(config, [layer])


def attestation(layout, of):
    """As buildx adds one: a manifest of no platform that points at the image's."""
    statement = layout.json({"_type": "https://in-toto.io/Statement/v0.1", "subject": [], "predicate": {},
                             "predicateType": "https://slsa.dev/provenance/v0.2"}, "application/vnd.in-toto+json",
                            annotations={"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"})
    config = layout.json({"architecture": "unknown", "os": "unknown", "config": {},
                          "rootfs": {"type": "layers", "diff_ids": [statement["digest"]]}}, OCI + "config.v1+json")
    return layout.manifest(config, [statement], platform={"architecture": "unknown", "os": "unknown"},
                           annotations={"vnd.docker.reference.digest": of["digest"],
                                        "vnd.docker.reference.type": "attestation-manifest"})


def make(name, module, program):
    """The layout of that name; `module` and `program`: the bytes of hello."""
    layout = Layout()

    def image(platform):
        system, machine = platform.split("/")
        return compat(layout, system, machine, "hello.wasm", module, name)

    def bare(descriptor):
        return {key: value for key, value in descriptor.items() if key != "platform"}

    if name in ("compat", "compat-wasip1", "as-linux"):
        platform = {shape.name: shape.platform for shape in SHAPES}[name]
        layout.top = bare(image(platform))
    elif name == "index-wasm":
        layout.top = layout.index([image("wasi/wasm")])
    elif name == "index-native":
        layout.top = layout.index([compat(layout, "linux", "amd64", "hello", program, name), image("wasi/wasm")])
    elif name == "index-same":
        layout.top = layout.index([image("linux/amd64"), image("wasi/wasm")])
    elif name == "index-attested":
        first = image("wasi/wasm")
        layout.top = layout.index([first, attestation(layout, first)])
    else:
        layout.top = {"runwasi": runwasi, "artifact": artifact, "wasm-to-oci": wasm_to_oci}[name](layout, module)
    return layout


def native(path, program):
    """A program for this machine, alone."""
    layout = Layout()
    layout.top = compat(layout, "linux", "amd64", path, program, path)
    return layout


# -- sending them ------------------------------------------------------------------------------------------


class Registry:
    """As much of the distribution specification as sending a layout takes, and not a byte more."""

    def __init__(self, host, cacert=None, basic=None, tls=False):
        if tls:
            self.link = http.client.HTTPSConnection(host, context=ssl.create_default_context(cafile=cacert))
        else:
            self.link = http.client.HTTPConnection(host)
        self.text = b""
        self.headers = {"Authorization": "Basic " + basic} if basic else {}

    def ask(self, method, path, body=None, **headers):
        self.link.request(method, path, body, dict(self.headers, **headers))
        answer = self.link.getresponse()
        self.text = answer.read()
        if answer.status >= 400 and method != "HEAD":
            raise OSError("%s %s: %d %s" % (method, path, answer.status, self.text.decode(errors="replace")))
        return answer

    def get(self, path):
        self.ask("GET", path, None, Accept=", ".join(MANIFESTS))
        return self.text

    def form(self, repository, tag):
        """What it is, in a few words."""
        value = json.loads(self.get("/v2/%s/manifests/%s" % (repository, tag)))
        whose = "docker's" if value["mediaType"].startswith(DOCKER) else "OCI"
        if "manifests" in value:
            platforms = [one["platform"] for one in value["manifests"]]
            return "%s index of %s" % (whose, ", ".join("%(os)s/%(architecture)s" % one for one in platforms))
        layers = {layer["mediaType"].split(".")[-1].split("+")[-1] for layer in value["layers"]}
        return "%s manifest, %s" % (whose, ", ".join(sorted(layers)))

    def size(self, repository, tag):
        """(bytes of the manifest and all it names, bytes of the files in its layers)"""
        text = self.get("/v2/%s/manifests/%s" % (repository, tag))
        manifest = json.loads(text)
        packed, unpacked = len(text) + manifest["config"]["size"], 0
        for layer in manifest["layers"]:
            packed += layer["size"]
            data = self.get("/v2/%s/blobs/%s" % (repository, layer["digest"]))
            with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                unpacked += sum(entry.size for entry in tar)
        return packed, unpacked

    def blob(self, repository, name, data):
        if self.ask("HEAD", "/v2/%s/blobs/%s" % (repository, name)).status == 200:
            return
        where = self.ask("POST", "/v2/%s/blobs/uploads/" % repository, b"").getheader("Location")
        parts = urllib.parse.urlsplit(where)
        query = (parts.query + "&" if parts.query else "") + urllib.parse.urlencode({"digest": name})
        self.ask("PUT", parts.path + "?" + query, data, **{"Content-Type": "application/octet-stream"})

    def send(self, layout, repository, tag):
        top = layout.top
        manifests = [top]
        if top["mediaType"].endswith("index.v1+json") or top["mediaType"].endswith("list.v2+json"):
            manifests = json.loads(layout.blobs[top["digest"]])["manifests"] + [top]
        for name in set(layout.blobs) - {one["digest"] for one in manifests}:
            self.blob(repository, name, layout.blobs[name])
        for one in manifests:
            what = tag if one is top else one["digest"]
            self.ask("PUT", "/v2/%s/manifests/%s" % (repository, what), layout.blobs[one["digest"]],
                     **{"Content-Type": one["mediaType"]})
