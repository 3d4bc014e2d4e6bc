/**
 * The standard library's YAML parser, with types.
 *
 * @module
 */

// @ts-types="./yaml.d.ts"
export { parse as parseYaml, parseAll as parseYamlAll } from "@std/yaml";
