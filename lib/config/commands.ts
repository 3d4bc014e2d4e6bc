/**
 * The commands: what each is for and which words it takes besides options.
 *
 * @module
 */

import { checkFileName } from "./file_name.ts";
import { parseTeleportAddress } from "./teleport_address.ts";

/** What the program is called in everything that it says about itself. */
export const PROGRAM = "teleport-event-handler";

/** A word on the command line that is not an option. */
export interface Operand {
  readonly name: string;
  readonly help: string;
  /** Taken where it is left out; without one, it must be given. */
  readonly default?: string;
  /** Throws a `ConfigError` for a word that cannot be it. */
  readonly check?: (word: string) => void;
  /** What a shell can offer. */
  readonly words?: readonly string[];
  /** Whether a shell can offer directories. */
  readonly isDirectory?: true;
  /** How many words it takes, where not one: any number, or at least one. */
  readonly many?: "any" | "some";
}

/** One command, as help tells it. */
export interface Command {
  /** One line for the list of commands. */
  readonly summary: string;
  /** A paragraph for the command's own help. */
  readonly about: string;
  readonly operands: readonly Operand[];
  /** Arguments, without the program's name. */
  readonly examples: readonly string[];
}

/** Every command, in the order in which help lists them. */
export const COMMANDS = {
  start: {
    summary: "Forward audit events and session recordings to Fluentd",
    about:
      "Reads Teleport's audit log from where the last run ended, or from --start-time, and forwards every event, and every event of the session recordings, to Fluentd. Runs until it is stopped, or with --exit-on-last-event until everything is delivered.",
    operands: [],
    examples: [
      "start --config teleport-event-handler.toml",
      "start --config teleport-event-handler.toml --dry-run --exit-on-last-event",
    ],
  },
  configure: {
    summary: "Make certificates, a role and configuration files to start with",
    about:
      "Writes a CA, a server and a client certificate for the connection to Fluentd, Teleport's role and user, and configuration files for Fluentd and for this program. Files that exist are overwritten only with --force, or where you say so at a terminal. A password for the key of Fluentd's certificate is taken from standard input; without one, it is made up.",
    operands: [
      { name: "out", help: "directory to write to", isDirectory: true },
      {
        name: "addr",
        help: "host:port of Teleport",
        default: "localhost:3025",
        check: parseTeleportAddress,
      },
      {
        name: "ca-name",
        help: "file name of the CA",
        default: "ca",
        check: checkFileName,
      },
      {
        name: "server-name",
        help: "file name of Fluentd's certificate",
        default: "server",
        check: checkFileName,
      },
      {
        name: "client-name",
        help: "file name of this program's certificate",
        default: "client",
        check: checkFileName,
      },
    ],
    examples: [
      "configure . teleport.example.com:443",
      "configure --dns-names fluentd.example.com --ip 10.0.0.7 ./out",
    ],
  },
  check: {
    summary: "Check everything that start needs, step by step",
    about:
      "Takes the same options as start and walks the path that it takes: credentials, name, TCP, TLS and gRPC to Teleport, the rights of the role, then Fluentd and the storage. Says of each step that it holds, or what is wrong and what to do. Forwards nothing and locks nobody. Ends with 0 only if nothing failed.",
    operands: [],
    examples: [
      "check --config teleport-event-handler.toml",
      "check --config teleport-event-handler.toml --print-config",
      "check --config teleport-event-handler.toml --json",
    ],
  },
  status: {
    summary: "Show how far forwarding is, and what is pending",
    about:
      "Asks the running program where --listen says that it can be asked, and else reads the state directory, which may be in use.",
    operands: [],
    examples: [
      "status --config teleport-event-handler.toml",
      "status --config teleport-event-handler.toml --json",
    ],
  },
  "rejected list": {
    summary: "List the events that the receiver refused",
    about: "Events that are refused for good are set aside, never dropped.",
    operands: [],
    examples: ["rejected list --storage ./storage"],
  },
  "rejected retry": {
    summary: "Send refused events again",
    about:
      "What is delivered now is taken off the list. Only while no program runs on the state directory.",
    operands: [{
      name: "id",
      help: "the events to send; all where none is given",
      many: "any",
    }],
    examples: ["rejected retry --config teleport-event-handler.toml"],
  },
  "rejected drop": {
    summary: "Give refused events up",
    about:
      "The events are deleted. Only while no program runs on the state directory.",
    operands: [{ name: "id", help: "the events to delete", many: "some" }],
    examples: [
      "rejected drop --storage ./storage 6e1f6c1e-5a0a-4a2e-9a93-8ee0a8b7a1c4",
    ],
  },
  "recordings list": {
    summary: "List the session recordings that are not delivered yet",
    about:
      "One that could not be read for two days is called missing. It is tried further, about once an hour.",
    operands: [],
    examples: ["recordings list --storage ./storage"],
  },
  "recordings retry": {
    summary: "Try session recordings again now",
    about:
      "A running program tries them within seconds, and otherwise the next one does.",
    operands: [{
      name: "session",
      help: "the sessions whose recordings to try; all where none is given",
      many: "any",
    }],
    examples: ["recordings retry --storage ./storage"],
  },
  "recordings drop": {
    summary: "Give session recordings up",
    about:
      "They are not tried again, and no longer missing; what of them was delivered stays delivered. Only while no program runs on the state directory.",
    operands: [{
      name: "session",
      help: "the sessions whose recordings to give up",
      many: "some",
    }],
    examples: [
      "recordings drop --storage ./storage 6e1f6c1e-5a0a-4a2e-9a93-8ee0a8b7a1c4",
    ],
  },
  completion: {
    summary: "Print a completion script for a shell",
    about: "The script goes to standard output.",
    operands: [{
      name: "shell",
      help: "bash, zsh or fish",
      words: ["bash", "zsh", "fish"],
    }],
    examples: [
      "completion bash > /etc/bash_completion.d/teleport-event-handler",
      "completion zsh > ~/.zfunc/_teleport-event-handler",
      "completion fish > ~/.config/fish/completions/teleport-event-handler.fish",
    ],
  },
  version: {
    summary: "Print the version",
    about: "Prints the versions of this program and of what it runs on.",
    operands: [],
    examples: ["version", "version --json"],
  },
  help: {
    summary: "Print this, or the help of one command",
    about: "The same as --help.",
    operands: [{
      name: "command",
      help: "the command to explain",
      many: "any",
    }],
    examples: ["help start"],
  },
} as const satisfies Readonly<Record<string, Command>>;

/** A command, of one word or two. */
export type CommandName = keyof typeof COMMANDS;

/** The commands' names, in the same order. */
export const COMMAND_NAMES: readonly CommandName[] = Object.keys(COMMANDS)
  .filter(isCommand);

/** Whether there is a command of that name. */
export function isCommand(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name);
}
