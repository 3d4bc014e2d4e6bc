/**
 * What happens in a cluster while the program comes and goes: events as they come,
 * and recordings with them.
 *
 * @module
 */

import type { AuditLog } from "../../fakes/audit_log.ts";
import { EventGenerator } from "../../fakes/generated_events.ts";
import { type LogEvent, timeText } from "../../fakes/log_event.ts";
import { Random } from "../../fakes/random.ts";
import { generateRecording } from "../../fakes/recordings.ts";
import type { Ledger } from "./ledger.ts";

const UPLOAD_EVERY = 40;
const MAX_RECORDING_EVENTS = 80;
/** Of a hundred events: some servers leave the id blank. */
const BLANK_IDS = 5;
/** Of a thousand events, the receiver refuses so many for good. */
const REFUSED = 8;

/** Appends events to a log, and enters them in the ledger as to be delivered. */
export class Feed {
  readonly #log: AuditLog;
  readonly #ledger: Ledger;
  readonly #random: Random;
  readonly #seed: number;
  readonly #generator: EventGenerator;
  #position = 0;
  #lastUs = 0;

  constructor(
    seed: number,
    ends: { log: AuditLog; ledger: Ledger },
  ) {
    this.#seed = seed;
    this.#log = ends.log;
    this.#ledger = ends.ledger;
    this.#random = new Random(seed, 1);
    this.#generator = new EventGenerator({ seed, uploadEvery: UPLOAD_EVERY });
  }

  /** So many events happen now, some of them at the same moment. */
  append(count: number): void {
    const nowUs = Date.now() * 1_000;
    const spacingUs = this.#random.pick([0, 1, 40]);
    const events: LogEvent[] = [];
    for (let left = count; left > 0; left--) {
      this.#lastUs = Math.max(this.#lastUs, nowUs - left * spacingUs);
      const event = this.#next(this.#lastUs);
      if (event.type === "session.upload") this.#record(event);
      this.#ledger.expect({ event, refused: this.#isRefused(event) });
      events.push(event);
    }
    this.#log.append(...events);
  }

  /** The next generated event, as of that time. */
  #next(timeUs: number): LogEvent {
    const number = this.#position++;
    const event = this.#generator.event(number);
    const json = { ...event.json, time: timeText(timeUs) };
    if (
      event.type === "session.upload" || this.#random.below(100) >= BLANK_IDS
    ) {
      return { ...event, timeUs, json };
    }
    return { ...event, id: "", timeUs, json: { ...json, uid: "", number } };
  }

  #record(upload: LogEvent): void {
    const sessionId = String(upload.json["sid"]);
    const { events } = generateRecording({
      seed: this.#seed,
      sessionId,
      endUs: upload.timeUs,
      length: 2 + this.#random.below(MAX_RECORDING_EVENTS),
    });
    const recording = [...events()];
    this.#log.putRecording(sessionId, recording);
    this.#ledger.expectRecording(
      sessionId,
      recording.map((event) => ({ event, refused: this.#isRefused(event) })),
    );
  }

  #isRefused({ json }: LogEvent): boolean {
    return json["uid"] !== "" && this.#random.below(1_000) < REFUSED;
  }
}
