// SPDX-License-Identifier: Apache-2.0
// run.mjs [-v] PROVIDER PACK [FIRST]: what smith-run.c does, done by V8 in node. Prints the same lines, but that
// traps and refusals are told in V8's words: run.py knows which of Skiff's they mean.
import { readFileSync, writeSync } from "node:fs";

const args = process.argv.slice(2);
const onlyValidate = args[0] === "-v";
if (onlyValidate)
  args.shift();
const provider = new WebAssembly.Module(readFileSync(args[0]));
const pack = readFileSync(args[1]);
const first = Number(args[2] ?? 0);

const double = new DataView(new ArrayBuffer(8));

function print(text) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(1, bytes, at);
    } catch (e) {
      if (e.code !== "EAGAIN")
        throw e;
    }
  }
}

// A value that an exception carries, by the letter wrap.py gives its type.
function carried(exception, tag, i, type) {
  if (type === "-")
    return "-"; // a reference or a v128
  const it = exception.getArg(tag, i);
  if (type === "l")
    return "i" + BigInt.asUintN(64, it).toString(16);
  if (Number.isNaN(it))
    return "nan";
  double.setFloat64(0, it);
  return double.getBigUint64(0).toString(16);
}

// The types of what tag 0 carries are in the name of another export: "types.0.nl-".
function exceptionLine(e, exports) {
  if (exports === undefined)
    return "exception";
  for (let i = 0;; i++) {
    const tag = exports["tag." + i];
    if (tag === undefined)
      return "exception ?";
    if (!e.is(tag))
      continue;
    const types = Object.keys(exports).find((name) => name.startsWith(`types.${i}.`)).split(".")[2];
    const values = [...types].map((type, at) => carried(e, tag, at, type));
    return ["exception", "tag." + i, ...values].join(" ");
  }
}

function failure(e, exports) {
  if (e instanceof WebAssembly.Exception)
    return exceptionLine(e, exports);
  if (e instanceof WebAssembly.RuntimeError)
    return "trap " + e.message;
  if (e instanceof RangeError)
    return "resource " + e.message;
  return "refused " + String(e).replaceAll("\n", " ");
}

function call(name, exports) {
  try {
    let results = exports[name]();
    if (!Array.isArray(results))
      results = results === undefined ? [] : [results];
    return `${name} ok` + results.map((r) => " " + BigInt.asUintN(64, r).toString(16)).join("");
  } catch (e) {
    return `${name} ${failure(e, exports)}`;
  }
}

function run(bytes, lines) {
  let module, instance;
  try {
    module = new WebAssembly.Module(bytes);
    if (onlyValidate) {
      lines.push("start valid");
      return;
    }
    const p = new WebAssembly.Instance(provider, { host: { mix: (x) => Math.imul(x, 3) + 1 } });
    instance = new WebAssembly.Instance(module, { p: p.exports });
  } catch (e) {
    lines.push("start " + failure(e));
    return;
  }
  lines.push("start ok");
  for (const name of Object.keys(instance.exports)) {
    if (name.startsWith("sk."))
      lines.push(call(name, instance.exports));
  }
}

let at = 0;
for (let i = 0; at + 4 <= pack.length; i++) {
  const size = pack.readUInt32LE(at);
  if (i >= first) {
    print(`module ${i}\n`);
    const lines = [];
    run(pack.subarray(at + 4, at + 4 + size), lines);
    print(lines.join("\n") + "\nend\n");
    if (i % 50 === 49)
      globalThis.gc?.();
  }
  at += 4 + size;
}
