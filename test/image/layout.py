# SPDX-License-Identifier: Apache-2.0
"""OCI layouts made by hand: a store is one, so whatever a registry may give can be put into a store without any tool of ours."""

import gzip
import hashlib
import io
import json
import os
import tarfile

MODULE = b"\0asm\1\0\0\0"
OCI = "application/vnd.oci.image."
INDEX, MANIFEST, CONFIG = (OCI + kind + ".v1+json" for kind in ("index", "manifest", "config"))
TAR, GZIP = OCI + "layer.v1.tar", OCI + "layer.v1.tar+gzip"
WASM, WASM_CONFIG = "application/wasm", "application/vnd.wasm.config.v0+json"
REF_NAME, TITLE = "org.opencontainers.image.ref.name", "org.opencontainers.image.title"


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def tar(files):
    """{path: bytes, or None for a directory} as an archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, data in files.items():
            info = tarfile.TarInfo(path)
            info.type = tarfile.DIRTYPE if data is None else tarfile.REGTYPE
            info.mode = 0o755 if data is None else 0o644
            info.size = len(data or b"")
            archive.addfile(info, io.BytesIO(data or b""))
    return out.getvalue()


class Layout:
    def __init__(self, path):
        self.path = path
        os.makedirs(os.path.join(path, "blobs", "sha256"), mode=0o700, exist_ok=True)
        self.write("oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}))
        if not os.path.exists(self.at("index.json")):
            self.write("index.json", json.dumps({"schemaVersion": 2, "manifests": []}))

    def at(self, *names):
        return os.path.join(self.path, *names)

    def write(self, name, text):
        with open(self.at(name), "w", encoding="utf-8") as file:
            file.write(text)

    def blob_path(self, digest):
        return self.at("blobs", *digest.split(":"))

    def blob(self, data, media_type="", **more):
        digest = sha256(data)
        with open(self.blob_path(digest), "wb") as file:
            file.write(data)
        return dict({"mediaType": media_type, "digest": digest, "size": len(data)}, **more)

    def json(self, value, media_type):
        return self.blob(json.dumps(value).encode(), media_type)

    def manifest(self, config, layers, **more):
        return self.json(dict({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}, **more),
                         MANIFEST)

    def image(self, files=None, system="wasi", architecture="wasm", packed=False, diff_ids=None, more=(), **config):
        """One of layers that are archives; `files`: a list of dicts as tar() takes. Its descriptor."""
        archives = [tar(layer) for layer in (files if files is not None else [{"app.wasm": MODULE}])]
        layers = [self.blob(gzip.compress(a, mtime=0), GZIP) if packed else self.blob(a, TAR) for a in archives]
        described = {"os": system, "architecture": architecture,
                     "config": dict({"Entrypoint": ["/app.wasm"]}, **config),
                     "rootfs": {"type": "layers", "diff_ids": diff_ids if diff_ids is not None else
                                [sha256(a) for a in archives]}}
        return self.manifest(self.json(described, CONFIG), layers + list(more))

    def module(self, data=MODULE, title=None):
        layer = self.blob(data, WASM)
        if title is not None:
            layer["annotations"] = {TITLE: title}
        return layer

    def artifact(self, *layers):
        return self.manifest(self.json({"os": "wasip1", "architecture": "wasm"}, WASM_CONFIG), list(layers))

    def index(self, *images):
        """Of (descriptor, "os/architecture") pairs."""
        manifests = []
        for image, platform in images:
            system, architecture = platform.split("/")
            manifests.append(dict(image, platform={"os": system, "architecture": architecture}))
        return self.json({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}, INDEX)

    def name(self, image, name):
        """`name` is whole, as stores write it; None: it has none."""
        with open(self.at("index.json"), encoding="utf-8") as file:
            index = json.load(file)
        entry = dict(image)
        if name is not None:
            entry["annotations"] = {REF_NAME: name}
        index["manifests"].append(entry)
        self.write("index.json", json.dumps(index))
        return image["digest"]
