/**
 * The standard library's TOML parser, with types.
 *
 * @module
 */

// @ts-types="./toml.d.ts"
export { parse as parseToml } from "@std/toml";
