/**
 * The standard library's text functions, with types.
 *
 * @module
 */

// @ts-types="./text.d.ts"
export { closestString } from "@std/text";
