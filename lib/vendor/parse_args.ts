/**
 * The standard library's reader of command lines, with types.
 *
 * @module
 */

// @ts-types="./parse_args.d.ts"
export { parseArgs } from "@std/cli/parse-args";
