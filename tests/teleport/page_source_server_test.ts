import { systemClock } from "../../lib/clock.ts";
import type { PagePosition } from "../../lib/event.ts";
import { TeleportClient } from "../../lib/teleport/client.ts";
import { parseIdentityFile } from "../../lib/teleport/identity.ts";
import { PageSource } from "../../lib/teleport/page_source.ts";
import { assert, assertEquals } from "../assert.ts";
import { AuditLog } from "../fakes/audit_log.ts";
import { identityText } from "../fakes/identity_file.ts";
import { logEvent } from "../fakes/log_event.ts";
import { never } from "../fakes/never.ts";
import { startTeleport } from "../fakes/teleport.ts";
import type { Fault } from "../fakes/teleport_faults.ts";
import { UNWATCHED } from "../fakes/unwatched.ts";

const HOUR_MS = 60 * 60 * 1_000;
const START_MS = Date.now() - 29 * HOUR_MS;
const SIZE = 2_000;

/** What the source is to tell its observer, so many times at least. */
interface Told {
  emptyPages: number;
  shrunk: number;
  dropped: number;
  failed: number;
}

const FAULTS: readonly {
  readonly name: string;
  readonly faults: readonly Fault[];
  readonly tells: Partial<Told>;
}[] = [
  { name: "nothing goes wrong", faults: [], tells: {} },
  {
    name: "pages are empty although their cursor moves",
    faults: [{ kind: "empty page", times: 15 }],
    tells: { emptyPages: 15 },
  },
  {
    name: "cursors show nothing",
    faults: [{ kind: "stuck cursor", lastKey: "none", times: 3 }],
    tells: { dropped: 3 },
  },
  {
    name: "cursors stand still",
    faults: [{ kind: "stuck cursor", lastKey: "same", times: 3 }],
    tells: { dropped: 3 },
  },
  {
    name: "pages are too large",
    faults: [{ kind: "page too large", limit: 90 }],
    tells: { shrunk: 1 },
  },
  {
    name: "the server is away now and then",
    faults: [{ kind: "status", code: "UNAVAILABLE", times: 4 }],
    tells: { failed: 4 },
  },
];

for (const { name, faults, tells } of FAULTS) {
  Deno.test(`a server's log is read once and whole where ${name}`, async () => {
    const log = new AuditLog({
      size: SIZE,
      startMs: START_MS,
      spacingMs: 20 * HOUR_MS / SIZE,
    });
    // Times within one millisecond, and a burst that no page holds.
    const burst = Array.from(
      { length: 150 },
      () => logEvent("exec", { timeMs: START_MS + 7 * HOUR_MS }),
    );
    log.append(...burst);
    await using teleport = await startTeleport({ log });
    teleport.faults.add(...faults);
    const text = await identityText();
    using client = new TeleportClient({
      addresses: [teleport],
      identity: parseIdentityFile(text, { path: "identity", nowMs: 0 }),
    });
    const told = { emptyPages: 0, shrunk: 0, dropped: 0, failed: 0 };
    const source = createSource(client, told);
    const ids: string[] = [];
    for await (
      const batch of source.read(START, never())
    ) ids.push(...batch.events.map(({ id }) => id));
    assertEquals(ids.length, SIZE + burst.length);
    assertEquals(ids, [...log.ids()]);
    const least: Told = { ...told, ...tells };
    assert(told.emptyPages >= least.emptyPages, JSON.stringify(told));
    assert(told.shrunk >= least.shrunk, JSON.stringify(told));
    assert(told.dropped >= least.dropped, JSON.stringify(told));
    assert(told.failed >= least.failed, JSON.stringify(told));
  });
}

const START: PagePosition = {
  kind: "page",
  start: new Date(Math.floor(START_MS / 1_000) * 1_000).toISOString()
    .replace(".000Z", "Z"),
  cursor: "",
  seen: [],
  newest: null,
};

function createSource(client: TeleportClient, told: Told): PageSource {
  return new PageSource({
    getEvents: async (request, signal) => {
      const page = await client.getEvents(request, signal);
      if (page.events.length === 0) told.emptyPages++;
      return page;
    },
    types: [],
    pageSize: undefined,
    startTime: "2026-01-01T00:00:00Z",
    windowMs: 6 * HOUR_MS,
    pollMs: 10,
    follow: false,
    policy: { initialMs: 10, maxMs: 100, timeoutMs: undefined },
    clock: systemClock,
    observer: {
      ...UNWATCHED.pages,
      shrunk: () => told.shrunk++,
      cursorDropped: () => told.dropped++,
      failed: () => told.failed++,
    },
  });
}
