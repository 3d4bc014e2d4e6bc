/**
 * One run, from the first batch to the last save.
 *
 * @module
 */

import type { Accounts } from "./accounts.ts";
import { AutoLock, type AutoLockOptions } from "./auto_lock.ts";
import {
  createDeliver,
  type Deliver,
  type Delivered,
  type DeliveryOptions,
} from "./deliver.ts";
import { countedFilter } from "./filter.ts";
import { forward, type ForwardOptions, type Signals } from "./forward.ts";
import type { Saver } from "./ports.ts";
import type { Progress } from "./progress.ts";
import { Recordings, type RecordingsOptions } from "./recordings.ts";

/** The parts of a run. */
export interface RunOptions {
  readonly progress: Progress;
  readonly saver: Saver;
  /** Kept while it runs. */
  readonly accounts: Accounts;
  readonly delivery: DeliveryOptions;
  readonly events: Pick<
    ForwardOptions,
    | "source"
    | "filter"
    | "maxEvents"
    | "maxBytes"
    | "maxRequests"
    | "observer"
  >;
  readonly recordings: Omit<
    RecordingsOptions,
    "deliver" | "checkpoints" | "account" | "saved"
  >;
  /** Left out: nobody is locked. */
  readonly locking?: Omit<AutoLockOptions, "checkpoints"> | undefined;
}

/**
 * Forwards audit events and the recordings that they announce, until the source
 * ends and every recording was tried, or `stop` aborts and what is in flight is
 * delivered. Nothing is sent before it has turned out that progress can be saved;
 * whatever happens then, what was delivered is saved at the end.
 *
 * @throws the first failure of any part, `kill.reason` among them
 */
export async function run(
  options: RunOptions,
  { stop, kill }: Signals,
): Promise<void> {
  const { progress, saver, accounts } = options;
  // Where that fails, each run would send the same events, and forget that it did.
  await saver.save();
  const failure = new AbortController();
  // Whoever else is retrying then, perhaps for ever, must not hold up the end.
  const giveUp = failure.signal;
  const deliver = accountedDeliver(
    createDeliver(options.delivery, { kill, giveUp }),
    accounts,
    failure,
  );
  const saving = new AbortController();
  const saved = saver.keepSaved(saving.signal)
    .catch((error) => failure.abort(error));
  const recordings = new Recordings(
    {
      ...options.recordings,
      filter: countedFilter(options.recordings.filter, () => {
        accounts.recording.filtered++;
      }),
      deliver,
      account: accounts.recording,
      checkpoints: progress,
      saved: (stop) => saver.saved(stop),
    },
    AbortSignal.any([stop, failure.signal]),
  );
  const { source } = options.events;
  const autoLock = options.locking &&
    new AutoLock({ ...options.locking, checkpoints: progress }, kill);
  try {
    await forward({
      ...options.events,
      source: autoLock?.watch(source) ?? source,
      from: progress.position,
      filter: countedFilter(options.events.filter, () => {
        accounts.audit.filtered++;
      }),
      deliver,
      account: accounts.audit,
      advance: (position, announced) => {
        progress.advance(position, announced);
        recordings.announce(announced);
        options.events.observer.advanced(position);
      },
      roomForRecordings: (signal) => recordings.room(signal),
    }, {
      stop: AbortSignal.any([stop, failure.signal, recordings.failure]),
      kill,
    });
  } catch (error) {
    failure.abort(error);
  }
  await recordings.drain().catch((error) => failure.abort(error));
  await autoLock?.finish();
  saving.abort();
  await saved;
  await saver.save().catch((error) => failure.abort(error));
  failure.signal.throwIfAborted();
}

/** The same, with the events in the accounts; what it throws is a failure of the run. */
function accountedDeliver(
  deliver: Deliver<Delivered>,
  accounts: Accounts,
  failure: AbortController,
): Deliver {
  return async (destination, events) => {
    const account = accounts[destination.kind];
    account.sending += events.length;
    try {
      const { delivered, setAside } = await deliver(destination, events);
      account.sending -= events.length;
      account.delivered += delivered;
      account.setAside += setAside;
    } catch (error) {
      failure.abort(error);
      throw error;
    }
  };
}
