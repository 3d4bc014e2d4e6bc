/**
 * Session recordings that follow from a seed: any event of one can be had
 * without those before it.
 *
 * @module
 */

import { connection, desktop, login, server } from "./events/fields.ts";
import type { JsonObject } from "./json.ts";
import {
  CLUSTER_NAME,
  type LogEvent,
  payloadId,
  timeText,
} from "./log_event.ts";
import { Random } from "./random.ts";

/** The events of one session, in order. */
export interface Recording {
  readonly length: number;
  /** The events with this index or a later one; all by default. */
  events(startIndex?: number): Iterable<LogEvent>;
}

/** What a generated recording is made from. */
export interface RecordingOptions {
  readonly seed: number;
  readonly sessionId: string;
  /** When the session was over, microseconds since the epoch. */
  readonly endUs: number;
  /** How many events it has, at least 2. */
  readonly length: number;
}

const RECORDING_SEED = 0x4ec0_4d11;
const SPACING_US = 250_123;
const DESKTOP_SHARE = 0.15;

/** A recording of a shell or, now and then, of a desktop. */
export function generateRecording(options: RecordingOptions): Recording {
  const { seed, sessionId, length } = options;
  const sessionSeed = seed ^ RECORDING_SEED ^ Number.parseInt(sessionId, 16);
  const isDesktop = new Random(sessionSeed, 0).chance(DESKTOP_SHARE);
  const describe = isDesktop ? desktopEvent : shellEvent;
  return {
    length,
    *events(startIndex = 0) {
      for (let index = Math.max(0, startIndex); index < length; index++) {
        const random = new Random(sessionSeed, index + 1);
        const description = describe(random, placeOf(index, length));
        yield generateEvent(options, { index, random, description });
      }
    },
  };
}

/** A recording made to order. */
export function listRecording(events: readonly LogEvent[]): Recording {
  return {
    length: events.length,
    events: (startIndex = 0) =>
      events.filter(({ index }) => index >= startIndex),
  };
}

function generateEvent(
  { sessionId, endUs, length }: RecordingOptions,
  { index, random, description }: {
    readonly index: number;
    readonly random: Random;
    readonly description: Description;
  },
): LogEvent {
  const { type, code, hasId, fields } = description;
  const timeUs = endUs - (length - index) * SPACING_US;
  const uid = hasId ? random.uuid(index) : "";
  const json: JsonObject = {
    ei: index,
    event: type,
    uid,
    code,
    time: timeText(timeUs),
    "cluster_name": CLUSTER_NAME,
    sid: sessionId,
    ...fields,
  };
  return { type, id: uid || payloadId(json), timeUs, index, json };
}

type Place = "first" | "between" | "last";

function placeOf(index: number, length: number): Place {
  if (index === 0) return "first";
  return index === length - 1 ? "last" : "between";
}

interface Description {
  readonly type: string;
  readonly code: string;
  /** Terminal output and screen updates have no `uid`. */
  readonly hasId: boolean;
  readonly fields: JsonObject;
}

function shellEvent(random: Random, place: Place): Description {
  if (place === "first") {
    return {
      type: "session.start",
      code: "T2000I",
      hasId: true,
      fields: {
        ...login(random),
        ...server(random),
        ...connection(random, "ssh"),
        size: "80:25",
      },
    };
  }
  if (place === "last") {
    return {
      type: "session.end",
      code: "T2004I",
      hasId: true,
      fields: {
        ...login(random),
        ...server(random),
        interactive: true,
        participants: ["alice"],
        enhanced_recording: false,
      },
    };
  }
  const choice = random.below(10);
  if (choice < 6) return print(random);
  if (choice < 8) {
    return {
      type: "resize",
      code: "T2002I",
      hasId: true,
      fields: {
        ...login(random),
        ...server(random),
        size: `${80 + random.below(120)}:${25 + random.below(50)}`,
      },
    };
  }
  return {
    type: "session.command",
    code: "T4000I",
    hasId: true,
    fields: {
      ...login(random),
      ...server(random),
      pid: random.below(65_536),
      ppid: random.below(65_536),
      cgroup_id: 4_294_967_296 + random.next(),
      path: "/usr/bin/vim",
      argv: ["-R", "naïve.txt"],
      return_code: 0,
    },
  };
}

/** What the terminal showed; `data` is base64. */
function print(random: Random): Description {
  const bytes = random.bytes(20 + random.below(200));
  return {
    type: "print",
    code: "",
    hasId: false,
    fields: {
      data: bytes.toBase64(),
      bytes: bytes.length,
      ms: random.below(100_000),
      offset: random.below(1_000_000),
      ci: random.below(10_000),
    },
  };
}

function desktopEvent(random: Random, place: Place): Description {
  if (place === "between") {
    return {
      type: "desktop.recording",
      code: "",
      hasId: false,
      fields: {
        message: random.bytes(20 + random.below(300)).toBase64(),
        ms: random.below(100_000),
      },
    };
  }
  const end = place === "last";
  return {
    type: end ? "windows.desktop.session.end" : "windows.desktop.session.start",
    code: end ? "TDP01I" : "TDP00I",
    hasId: true,
    fields: { ...login(random), ...desktop(random), success: true },
  };
}
