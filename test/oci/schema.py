#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""schema.py: has src/oci/spec.def each field of the OCI runtime specification's JSON schema, and none besides?

SCHEMA is the folder of the specification that holds config-schema.json (github.com/opencontainers/runtime-spec, schema/);
without it the comparison is skipped. docs/oci.md is compared with the table in any case.
"""

import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
TOOLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools")
sys.path.insert(0, TOOLS)
import oci_fields  # noqa: E402

# Where the schema and the table differ about what must be there, and why.
DIFFERENT = {
    "root": "required on all systems but Windows (config.md)",
    "linux.personality.domain": "required (config-linux.md)",
    "linux.resources.pids.limit": "a pids object without one asks for nothing",
}
DIFFERENT.update(("linux.resources.blockIO.throttle%sDevice[].rate" % which, "required (config-linux.md)")
                 for which in ("ReadBps", "WriteBps", "ReadIOPS", "WriteIOPS"))


class Schema:
    def __init__(self, folder):
        self.folder, self.files = folder, {}
        self.fields = {}  # path: required?

    def file(self, name):
        if name not in self.files:
            with open(os.path.join(self.folder, name), encoding="utf-8") as file:
                self.files[name] = json.load(file)
        return self.files[name]

    def resolve(self, node, name):
        """What a node says, references followed: (node, the file it stands in)."""
        while "$ref" in node:
            target, _, pointer = node["$ref"].partition("#")
            name = target or name
            node = self.file(name)
            for part in filter(None, pointer.split("/")):
                node = node[part]
        return node, name

    def walk(self, node, name, path):
        node, name = self.resolve(node, name)
        for part in node.get("allOf", []) + node.get("anyOf", []):
            self.walk(part, name, path)
        required = node.get("required", [])
        for key, value in node.get("properties", {}).items():
            here = path + "." + key if path else key
            self.fields[here] = self.fields.get(here, False) or key in required
            self.walk(value, name, here)
        if isinstance(node.get("items"), dict):
            self.walk(node["items"], name, path + "[]")
        if isinstance(node.get("additionalProperties"), dict):
            self.walk(node["additionalProperties"], name, path + "{}")


def above(path):
    while "." in path:
        path = path.rsplit(".", 1)[0]
        yield path.rstrip("[]{}")
        yield path


def compare(schema, ours):
    bad = []
    whole = {path for path, field in ours.items() if field.is_whole}
    for path, required in schema.items():
        if whole.intersection(above(path)):
            continue
        if path not in ours:
            bad.append("%s: not in spec.def" % path)
        elif (required == ours[path].required) == (path in DIFFERENT):
            bad.append("%s: the schema %s it" % (path, "requires" if required else "does not require"))
    bad += ["%s: not in the schema" % path for path in ours if path not in schema]
    return bad


def main():
    code = subprocess.run([os.path.join(TOOLS, "oci-doc"), "--check"], check=False).returncode
    if code != 0:
        return 1
    folder = os.environ.get("SCHEMA")
    if folder is None:
        print("skipped: SCHEMA does not name the folder of the specification's schema")
        return 77
    schema = Schema(folder)
    schema.walk({"$ref": "config-schema.json#"}, "config-schema.json", "")
    ours = {field.path: field for _, _, fields in oci_fields.walk() for field in fields}
    bad = compare(schema.fields, ours)
    for line in bad:
        print(line)
    print("schema: %d fields, %d of them in spec.def, %d faults" % (
        len(schema.fields), len(ours), len(bad)))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
