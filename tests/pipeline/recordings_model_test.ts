import type { AuditEvent } from "../../lib/event.ts";
import type { RecordingMark } from "../../lib/pipeline/ports.ts";
import { assert, assertEquals, assertLessOrEqual } from "../assert.ts";
import { idsOf } from "../fakes/audit_events.ts";
import { turn, turnsUntil } from "../fakes/fake_clock.ts";
import { never } from "../fakes/never.ts";
import { Random } from "../fakes/random.ts";
import { UNWATCHED } from "../fakes/unwatched.ts";
import {
  recorded,
  Requests,
  type Running,
  startRecordings,
} from "./recordings_setup.ts";

const HOUR_MS = 60 * 60_000;
const NEVER = never();

/** One recording, on the server and at the receiver. */
class Session {
  readonly events: readonly AuditEvent[];
  /** How many of them are uploaded. */
  length: number;
  /** Of those: what has to arrive before it may be forgotten. */
  announced = 0;
  /** Since it was last finished. */
  arrived: string[] = [];
  streams = 0;
  isOpen = false;

  constructor(random: Random) {
    let index = random.below(2);
    const indices = Array.from(
      { length: 1 + random.below(15) },
      () => index += random.below(3),
    );
    const types = indices.map(() => random.chance(0.2) ? "print" : "exec");
    this.events = recorded(indices, { types });
    this.length = random.below(this.events.length + 1);
  }

  /** The ids that arrive of so many events. */
  wanted(length: number): string[] {
    return idsOf(
      this.events.slice(0, length).filter(({ type }) => type !== "print"),
    );
  }

  /** How many events are behind a mark. */
  behind({ index, count }: RecordingMark): number {
    if (count === 0) return 0;
    return this.events.filter((event) => event.index < index).length + count;
  }
}

/** Several runs, one after the other, of one cluster. */
class Model {
  readonly #random: Random;
  readonly #sessions = new Map<string, Session>();
  #left: Parameters<typeof startRecordings>[1] = {};
  /** Streams that are open, and deliveries under way. */
  #busy = 0;
  readonly #faults: unknown[] = [];

  constructor(number: number) {
    this.#random = new Random(11, number);
    for (let i = 1 + this.#random.below(40); i > 0; i--) {
      this.#sessions.set(`s${i}`, new Session(this.#random));
    }
  }

  async run(): Promise<void> {
    const random = this.#random;
    const follow = random.chance(0.5);
    const concurrency = 1 + random.below(5);
    const requests = new Requests();
    let open = 0;
    const run = startRecordings({}, {
      ...this.#left,
      follow,
      concurrency,
      requests,
      maxEvents: 1 + random.below(4),
      random: () => random.below(100) / 100,
      source: {
        stream: async function* (this: Model, id: string, startIndex: number) {
          const session = this.#get(id);
          this.#check(() => assert(!session.isOpen, `${id} is open`));
          this.#check(() => assertLessOrEqual(++open, concurrency));
          session.isOpen = true;
          session.streams++;
          this.#busy++;
          try {
            yield* this.#stream(session, startIndex);
          } finally {
            session.isOpen = false;
            open--;
            this.#busy--;
          }
        }.bind(this),
      },
      deliver: async (destination, events) => {
        assert(destination.kind === "recording");
        this.#busy++;
        if (random.chance(0.3)) await turn();
        this.#busy--;
        const session = this.#get(destination.sessionId);
        const { arrived } = session;
        arrived.push(...idsOf(events));
        const wanted = session.wanted(session.events.length);
        this.#check(() =>
          assertEquals(arrived, wanted.slice(0, arrived.length))
        );
      },
      observer: {
        ...UNWATCHED.recordings,
        finished: (id) => {
          const session = this.#get(id);
          const { length } = session.wanted(session.announced);
          this.#check(() => assertLessOrEqual(length, session.arrived.length));
          session.arrived = [];
        },
      },
    });
    for (let step = random.below(40); step > 0; step--) {
      await this.#step(run, requests);
    }
    if (follow) await this.#checkThatNobodyIsForgotten(run);
    if (follow || random.chance(0.3)) run.stop.abort();
    await run.clock.runUntil(run.recordings.drain());
    for (const [id, recording] of run.progress.recordings()) {
      const session = this.#get(id);
      assertEquals(session.arrived, session.wanted(session.behind(recording)));
    }
    for (const fault of this.#faults) throw fault;
    this.#left = { pending: Object.fromEntries(run.progress.recordings()) };
  }

  async *#stream(session: Session, startIndex: number) {
    const random = this.#random;
    const from = startIndex - (random.chance(0.2) ? random.below(5) : 0);
    const rest = session.events.slice(0, session.length)
      .filter(({ index }) => index >= from);
    const cut = random.chance(0.3) ? random.below(rest.length + 1) : undefined;
    const events = rest.slice(0, cut);
    while (events.length > 0) {
      if (random.chance(0.3)) await turn();
      yield { events: events.splice(0, 1 + random.below(3)) };
    }
    if (cut !== undefined) throw new Error("the stream was cut");
  }

  async #step(run: Running, requests: Requests): Promise<void> {
    const random = this.#random;
    const some = [...this.#sessions.keys()].filter(() => random.chance(0.2));
    switch (random.below(5)) {
      case 0:
        for (const session of some.map((id) => this.#get(id))) {
          const grown = session.length + random.below(5);
          session.length = Math.min(grown, session.events.length);
        }
        break;
      case 1:
        for (const session of some.map((id) => this.#get(id))) {
          session.announced = session.length;
        }
        run.announce(...some);
        break;
      case 2:
        requests.ask(...some);
        break;
      case 3:
        await run.clock.advance(random.below(random.pick([1, 1_000, HOUR_MS])));
        break;
      default:
        for (let i = random.below(20); i > 0; i--) await Promise.resolve();
    }
  }

  /** There is room, and whoever is not delivered is tried within two hours. */
  async #checkThatNobodyIsForgotten({ recordings, progress, clock }: Running) {
    const rest = () => turnsUntil("nothing to be busy", () => this.#busy === 0);
    await rest();
    let isRoom = false;
    recordings.room(NEVER).then(() => isRoom = true);
    await turn();
    assert(isRoom, "there is no room");
    const streams = progress.recordings().keys().map((id) =>
      [id, this.#get(id).streams] as const
    ).toArray();
    for (let hours = 0; hours < 2; hours++) {
      await clock.advance(HOUR_MS);
      await rest();
    }
    for (const [id, before] of streams) {
      const isTried = this.#get(id).streams > before;
      assert(isTried || !progress.recordings().has(id), `${id} is forgotten`);
    }
  }

  #get(id: string): Session {
    const session = this.#sessions.get(id);
    assert(session !== undefined);
    return session;
  }

  /** What fails within the recordings would be taken for a fault of theirs. */
  #check(assertion: () => void): void {
    try {
      assertion();
    } catch (fault) {
      this.#faults.push(fault);
    }
  }
}

Deno.test("in 150 random clusters, whatever is announced, uploaded, cut, asked for and stopped, each recording arrives whole, once, in order, and none is forgotten", async () => {
  for (let number = 0; number < 150; number++) {
    const model = new Model(number);
    for (let runs = 0; runs < 4; runs++) {
      try {
        await model.run();
      } catch (error) {
        throw new Error(`cluster ${number}, run ${runs}`, { cause: error });
      }
    }
  }
});
