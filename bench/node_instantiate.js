// SPDX-License-Identifier: Apache-2.0
// node_instantiate.js: instantiate.c for node: the lines it can have.
// Usage: node node_instantiate.js FILE RUNS
"use strict";

const bytes = require("fs").readFileSync(process.argv[2]);
const runs = Number(process.argv[3]);

const timed = (module_, times) => {
	const start = process.hrtime.bigint();
	const instance = new WebAssembly.Instance(module_);

	times.push(Number(process.hrtime.bigint() - start) / 1000);
	return instance;
};

const print = (name, times) => {
	times.sort((a, b) => a - b);
	console.log(`${name}\t${times[0].toFixed(2)}\t${times[times.length >> 1].toFixed(2)}`);
};

const module_ = new WebAssembly.Module(bytes);
const first = [], second = [], fresh = [];

timed(module_, first);
timed(module_, second);
for (let r = 0; r < runs; r++)
	timed(module_, fresh);
print("first", first);
print("second", second);
print("fresh", fresh);
