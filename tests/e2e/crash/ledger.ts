/**
 * The oracle: knows what has to arrive, sees what does, and judges each crash by
 * the state that it left on disk.
 *
 * @module
 */

import type { StateDocument } from "../../../lib/state/document.ts";
import type { RejectedEvent } from "../../../lib/state/rejected.ts";
import type { JsonRecord } from "../../fakes/fluentd_body.ts";
import type { LogEvent } from "../../fakes/log_event.ts";
import type { Remains } from "./remains.ts";
import type { Problems, Tally } from "./verdict.ts";

/** An event that has to arrive. */
export interface Expected {
  readonly event: LogEvent;
  /** The receiver refuses it for good, so that it has to be set aside. */
  readonly refused: boolean;
}

/** What became of it. */
interface Entry extends Expected {
  readonly key: string;
  readonly text: string;
  arrivals: number;
  /** The run in which it arrived last, and whether that was confirmed. */
  run: number;
  confirmed: boolean;
  setAside: number;
  /** The state on disk is behind it. */
  saved: boolean;
}

interface Recording {
  readonly entries: readonly Entry[];
  /** Place of the first event that has not arrived. */
  next: number;
}

const AUDIT_TAG = "test.log";

/** What has to arrive, and what has. */
export class Ledger {
  readonly #recordings = new Map<string, Recording>();
  readonly #entries = new Map<string, Entry>();
  readonly #refusedIds = new Set<unknown>();
  readonly #problems = {
    invented: new Array<string>(),
    altered: new Array<string>(),
    passed: new Array<string>(),
    repeated: new Array<string>(),
    confirmed: new Array<string>(),
    disordered: new Array<string>(),
  };
  #events = 0;
  #run = 0;
  #answersArrive = true;
  #setAside = 0;
  /** Recordings whose announcement is saved, and which are not. */
  readonly #announced = new Set<string>();
  #duplicates = 0;
  /** By the run that had sent them before. */
  readonly #duplicatesOf = new Map<number, number>();
  readonly #arrivedInRun = new Set<Entry>();
  #mostOfOneCrash = 0;
  #mostUnsaved = 0;

  /** An audit event is to arrive. */
  expect(expected: Expected): void {
    this.#enter(AUDIT_TAG, expected);
    this.#events++;
  }

  /** A recording is to arrive, in this order. */
  expectRecording(sessionId: string, events: readonly Expected[]): void {
    const tag = tagOf(sessionId);
    this.#recordings.set(tag, {
      entries: events.map((expected) => this.#enter(tag, expected)),
      next: 0,
    });
  }

  /** Whether the receiver is to refuse this record for good. */
  refuses(record: JsonRecord): boolean {
    return this.#refusedIds.has(record["uid"]);
  }

  /** A process begins; without `answersArrive` it may miss that events were taken. */
  runBegins({ answersArrive }: { readonly answersArrive: boolean }): void {
    this.#run++;
    this.#answersArrive = answersArrive;
    this.#arrivedInRun.clear();
  }

  /** The receiver stored events; `confirmed` where the program is told so. */
  arrived(
    tag: string,
    records: readonly JsonRecord[],
    confirmed: boolean,
  ): void {
    for (const record of records) {
      const entry = this.#entryOf(tag, record);
      if (entry !== undefined) this.#count(tag, entry, confirmed);
    }
  }

  /**
   * The process is gone, killed or not: judges what it left. Nothing that is saved
   * may come again, and nothing may be saved that has not arrived.
   */
  runEnded({ state, saved, rejected }: Remains): void {
    this.#countSetAside(rejected);
    for (const event of saved) this.#saveAudit(event);
    if (state !== undefined) this.#saveRecordings(state);
    const unsaved = this.#arrivedInRun.values().filter(({ saved }) => !saved);
    this.#mostUnsaved = Math.max(this.#mostUnsaved, [...unsaved].length);
  }

  /** What is wrong if nothing more is to come. */
  problems(): Problems {
    const missing = this.#entries.values()
      .filter((entry) => !isSafe(entry)).map(({ key }) => key);
    return { missing: [...missing], ...this.#problems };
  }

  tally(): Tally {
    return {
      events: this.#events,
      recordings: this.#recordings.size,
      recordingEvents: this.#entries.size - this.#events,
      setAside: this.#setAside,
      duplicates: this.#duplicates,
      mostOfOneCrash: this.#mostOfOneCrash,
      mostUnsaved: this.#mostUnsaved,
    };
  }

  #enter(tag: string, { event, refused }: Expected): Entry {
    const key = keyOf(tag, event.json);
    const entry: Entry = {
      key,
      event,
      refused,
      text: JSON.stringify(event.json),
      arrivals: 0,
      run: 0,
      confirmed: false,
      setAside: 0,
      saved: false,
    };
    this.#entries.set(key, entry);
    if (refused) this.#refusedIds.add(event.json["uid"]);
    return entry;
  }

  #entryOf(tag: string, record: JsonRecord): Entry | undefined {
    const key = keyOf(tag, record);
    const entry = this.#entries.get(key);
    if (entry === undefined) this.#problems.invented.push(key);
    else if (JSON.stringify(record) !== entry.text) {
      this.#problems.altered.push(key);
    }
    return entry;
  }

  #count(tag: string, entry: Entry, confirmed: boolean): void {
    const { key } = entry;
    if (entry.arrivals === 0) {
      this.#keepOrder(tag, entry);
    } else {
      this.#duplicates++;
      if (entry.run !== this.#run) this.#countDuplicateOf(entry.run);
      else if (entry.confirmed && this.#answersArrive) {
        this.#problems.confirmed.push(key);
      }
    }
    if (entry.saved) this.#problems.repeated.push(key);
    entry.arrivals++;
    this.#arrivedInRun.add(entry);
    entry.run = this.#run;
    entry.confirmed = confirmed;
  }

  #countDuplicateOf(run: number): void {
    const duplicates = (this.#duplicatesOf.get(run) ?? 0) + 1;
    this.#duplicatesOf.set(run, duplicates);
    this.#mostOfOneCrash = Math.max(this.#mostOfOneCrash, duplicates);
  }

  #keepOrder(tag: string, entry: Entry): void {
    const recording = this.#recordings.get(tag);
    // A refused one may still be stored by a fault, at any time.
    if (recording === undefined || entry.refused) return;
    const { entries } = recording;
    while (entries[recording.next]?.refused) recording.next++;
    if (entries[recording.next] === entry) recording.next++;
    else this.#problems.disordered.push(entry.key);
  }

  #countSetAside(rejected: readonly RejectedEvent[]): void {
    const counts = new Map<Entry, number>();
    for (const { destination, event } of rejected) {
      const tag = destination.kind === "audit"
        ? AUDIT_TAG
        : tagOf(destination.sessionId);
      const entry = this.#entryOf(tag, event as JsonRecord);
      if (entry !== undefined) counts.set(entry, (counts.get(entry) ?? 0) + 1);
    }
    for (const [entry, count] of counts) {
      if (entry.saved && count > entry.setAside) {
        this.#problems.repeated.push(entry.key);
      }
      if (entry.setAside === 0) this.#setAside++;
      entry.setAside = count;
    }
  }

  #saveRecordings({ recordings }: StateDocument): void {
    for (const sessionId of this.#announced) {
      const mark = recordings[sessionId];
      const { entries = [] } = this.#recordings.get(tagOf(sessionId)) ?? {};
      if (mark === undefined) this.#announced.delete(sessionId);
      for (const entry of entries) {
        const { index } = entry.event;
        const isSaved = mark === undefined || index < mark.index ||
          index === mark.index && mark.count > 0;
        if (isSaved) this.#saveEntry(entry);
      }
    }
  }

  #saveAudit({ type, json }: LogEvent): void {
    const entry = this.#entries.get(keyOf(AUDIT_TAG, json));
    if (entry === undefined || entry.saved) return;
    this.#saveEntry(entry);
    if (type === "session.upload") this.#announced.add(String(json["sid"]));
  }

  #saveEntry(entry: Entry): void {
    if (entry.saved) return;
    entry.saved = true;
    if (!isSafe(entry)) this.#problems.passed.push(entry.key);
  }
}

function isSafe({ arrivals, setAside }: Entry): boolean {
  return arrivals > 0 || setAside > 0;
}

function tagOf(sessionId: string): string {
  return `session.${sessionId}.log`;
}

/** Within a recording by its index; what has no id has a number instead. */
function keyOf(tag: string, json: JsonRecord): string {
  const id = tag === AUDIT_TAG ? json["uid"] || json["number"] : json["ei"];
  return `${tag} ${id}`;
}
