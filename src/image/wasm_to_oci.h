/* SPDX-License-Identifier: Apache-2.0 */
/* wasm_to_oci.h: this program by the name `wasm-to-oci`: modules to registries and back, as files. */
#ifndef IMAGE_WASM_TO_OCI_H
#define IMAGE_WASM_TO_OCI_H

/* An exit code. */
int wasm_to_oci(char **args);

#endif
