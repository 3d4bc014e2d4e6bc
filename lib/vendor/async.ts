/**
 * The standard library's async functions, with types.
 *
 * @module
 */

// @ts-types="./async.d.ts"
export { abortable } from "@std/async/abortable";
// @ts-types="./async.d.ts"
export { delay } from "@std/async/delay";
