// SPDX-License-Identifier: Apache-2.0
// node_start.js: instantiate a module and call _start. Usage: node node_start.js FILE
"use strict";

const fs = require("fs");

new WebAssembly.Instance(new WebAssembly.Module(fs.readFileSync(process.argv[2]))).exports._start();
