import type { StateDocument } from "../../../lib/state/document.ts";
import type { RejectedEvent } from "../../../lib/state/rejected.ts";
import { assertEquals } from "../../assert.ts";
import { position } from "../../fakes/audit_events.ts";
import { type LogEvent, logEvent } from "../../fakes/log_event.ts";
import { pending } from "../../pipeline/recordings_setup.ts";
import { Ledger } from "./ledger.ts";
import type { Remains } from "./remains.ts";
import { NO_PROBLEMS } from "./verdict.ts";

const TAG = "test.log";
const SESSION = "session.s1.log";
const NOTHING_LEFT: Remains = { state: undefined, saved: [], rejected: [] };

function event(id: string, index = 0): LogEvent {
  return logEvent("user.login", { id, index, timeMs: 0 });
}

const A = event("a");
const B = event("b");
const UPLOAD = logEvent("session.upload", {
  id: "u",
  timeMs: 0,
  fields: { sid: "s1" },
});
const RECORDING = [0, 1, 2].map((index) => event(`r${index}`, index));

/** A ledger of these events, in its first run. */
function ledgerOf(...events: readonly LogEvent[]): Ledger {
  const ledger = new Ledger();
  for (const event of events) ledger.expect({ event, refused: false });
  ledger.runBegins({ answersArrive: true });
  return ledger;
}

/** What is left by a process that saved a position behind these events. */
function passed(
  saved: readonly LogEvent[],
  recordings: StateDocument["recordings"] = {},
): Remains {
  return {
    ...NOTHING_LEFT,
    saved,
    state: {
      version: 1,
      cluster: "c",
      startTime: "2026-03-01T00:00:00Z",
      position: position(""),
      recordings,
    },
  };
}

function setAside(event: LogEvent): RejectedEvent {
  return {
    time: "",
    reason: "",
    destination: { kind: "audit" },
    type: event.type,
    id: event.id,
    event: JSON.parse(JSON.stringify(event.json)),
  };
}

Deno.test("what arrived once and was saved is no problem", () => {
  const ledger = ledgerOf(A, B);
  ledger.arrived(TAG, [A.json, B.json], true);
  ledger.runEnded(passed([A, B]));
  assertEquals(ledger.problems(), NO_PROBLEMS);
});

Deno.test("what did not arrive is missing, and what is set aside is not", () => {
  const ledger = ledgerOf(A, B);
  ledger.runEnded({ ...NOTHING_LEFT, rejected: [setAside(A)] });
  assertEquals(ledger.problems(), { ...NO_PROBLEMS, missing: [`${TAG} b`] });
});

Deno.test("what nobody expects is invented, and a byte is a difference", () => {
  const ledger = ledgerOf(A);
  ledger.arrived(TAG, [B.json, { ...A.json, more: 1 }], true);
  assertEquals(ledger.problems(), {
    ...NO_PROBLEMS,
    invented: [`${TAG} b`],
    altered: [`${TAG} a`],
  });
});

Deno.test("a position behind an event that did not arrive is told", () => {
  const ledger = ledgerOf(A, B);
  ledger.arrived(TAG, [A.json], true);
  ledger.runEnded(passed([A, B]));
  assertEquals(ledger.problems().passed, [`${TAG} b`]);
});

Deno.test("what comes again although it is saved is told, and what is not saved may", () => {
  const ledger = ledgerOf(A, B);
  ledger.arrived(TAG, [A.json, B.json], true);
  ledger.runEnded(passed([A]));
  ledger.runBegins({ answersArrive: true });
  ledger.arrived(TAG, [A.json, B.json], true);
  ledger.runEnded(passed([A, B]));
  assertEquals(ledger.problems(), { ...NO_PROBLEMS, repeated: [`${TAG} a`] });
  const { duplicates, mostOfOneCrash, mostUnsaved } = ledger.tally();
  assertEquals({ duplicates, mostOfOneCrash, mostUnsaved }, {
    duplicates: 2,
    mostOfOneCrash: 2,
    mostUnsaved: 1,
  });
});

Deno.test("what is set aside again although it is saved is told", () => {
  const ledger = ledgerOf(A);
  ledger.runEnded({ ...passed([A]), rejected: [setAside(A)] });
  ledger.runEnded({ ...passed([A]), rejected: [setAside(A), setAside(A)] });
  assertEquals(ledger.problems(), { ...NO_PROBLEMS, repeated: [`${TAG} a`] });
});

Deno.test("what was confirmed may not come again in the same run, unless answers are lost", () => {
  for (const answersArrive of [true, false]) {
    const ledger = ledgerOf(A, B);
    ledger.runBegins({ answersArrive });
    ledger.arrived(TAG, [A.json], true);
    ledger.arrived(TAG, [B.json], false);
    ledger.arrived(TAG, [A.json, B.json], true);
    assertEquals(
      ledger.problems().confirmed,
      answersArrive ? [`${TAG} a`] : [],
    );
  }
});

Deno.test("a recording is saved up to its mark, and as a whole once it is no longer pending", () => {
  const ledger = ledgerOf(UPLOAD);
  ledger.expectRecording(
    "s1",
    RECORDING.map((event) => ({ event, refused: false })),
  );
  ledger.arrived(TAG, [UPLOAD.json], true);
  ledger.arrived(SESSION, RECORDING.slice(0, 1).map(({ json }) => json), true);
  ledger.runEnded(
    passed([UPLOAD], { s1: pending({ index: 1, count: 1 }) }),
  );
  assertEquals(ledger.problems().passed, [`${SESSION} 1`]);
  ledger.runEnded(passed([UPLOAD]));
  assertEquals(ledger.problems().passed, [`${SESSION} 1`, `${SESSION} 2`]);
});

Deno.test("a recording whose events change places is told", () => {
  const ledger = ledgerOf();
  ledger.expectRecording(
    "s1",
    RECORDING.map((event) => ({ event, refused: false })),
  );
  const [first, second, third] = RECORDING.map(({ json }) => json);
  ledger.arrived(SESSION, [first, third, second].filter((it) => !!it), true);
  assertEquals(ledger.problems().disordered, [`${SESSION} 2`]);
});
