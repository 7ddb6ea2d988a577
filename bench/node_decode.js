// SPDX-License-Identifier: Apache-2.0
// node_decode.js: decode.c for node. Usage: node [FLAGS] node_decode.js FILE RUNS
"use strict";

const bytes = require("fs").readFileSync(process.argv[2]);
const times = [];

for (let r = 0; r < Number(process.argv[3]); r++) {
	const start = process.hrtime.bigint();

	if (!WebAssembly.validate(bytes))
		throw new Error("the module is not valid");
	times.push(process.hrtime.bigint() - start);
}
times.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
console.log(`${times[0]} ${times[times.length >> 1]}`);
