;; SPDX-License-Identifier: Apache-2.0
;; The smallest module worth calling:
;;
;;   skiff run --invoke add add.wasm 2 40
(module
  (func (export "add") (param $a i32) (param $b i32) (result i32)
    local.get $a
    local.get $b
    i32.add))
