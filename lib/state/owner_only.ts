/**
 * Permission bits of everything in a state directory: events are in it, and so it
 * is its owner's alone.
 *
 * @module
 */

/** Of files. */
export const FILE_MODE = 0o600;
/** Of directories. */
export const DIRECTORY_MODE = 0o700;
