// SPDX-License-Identifier: Apache-2.0
// node_call.js: bench_call for node. Usage: node [FLAGS] node_call.js FILE REPS
//
// The same protocol. One addition: everything is run once as a warm-up at full length, so that the
// measured run is in the tier V8 settles in.
"use strict";

const fs = require("fs");

const module_ = new WebAssembly.Module(fs.readFileSync(process.argv[2]));
const reps = Number(process.argv[3]);

const fresh = () => new WebAssembly.Instance(module_).exports;
let exports_ = fresh();

const text = (value) => {
	if (typeof value === "bigint")
		return String(BigInt.asUintN(64, value));
	return value === undefined ? "-" : String(value);
};

const repeat = () => {
	let time = 0n, result;

	if (exports_.run && exports_.run.length === 1) {
		const start = process.hrtime.bigint();

		result = exports_.run(reps);
		return [process.hrtime.bigint() - start, result];
	}
	for (let r = 0; r < reps; r++) {
		if (!exports_.run)
			exports_ = fresh();
		const start = process.hrtime.bigint();

		result = exports_.run ? exports_.run() : exports_._start();
		time += process.hrtime.bigint() - start;
	}
	return [time, result];
};

repeat();
const [time, result] = repeat();
console.log(`${time} ${text(result)}`);
