/**
 * The standard library's assertions, with types.
 *
 * @module
 */

// @ts-types="./assert.d.ts"
export * from "@std/assert";
