/**
 * What the tests of the state need another process for.
 *
 * @module
 */

import { systemClock } from "../../lib/clock.ts";
import { AUDIT } from "../../lib/event.ts";
import { DirectoryLock } from "../../lib/state/directory_lock.ts";
import { RejectedEvents } from "../../lib/state/rejected.ts";
import { StateFile } from "../../lib/state/state_file.ts";
import { sampleEvent } from "../teleport/sample_event.ts";
import { sampleDocument } from "./sample_document.ts";

// More than the file size limit that the tests set.
const LARGE = "x".repeat(100_000);

const [command, directory = ""] = Deno.args;
try {
  switch (command) {
    case "lock": {
      using _lock = await DirectoryLock.acquire(directory, Date.now());
      say("locked");
      await Deno.stdin.read(new Uint8Array(1));
      break;
    }
    case "save": {
      const file = openState();
      while (true) {
        move(file, `${Date.now()} ${"x".repeat(10_000)}`);
        await file.save();
        say("saved");
      }
    }
    // falls through: not reached
    case "save-large": {
      const file = openState();
      move(file, LARGE);
      await file.save();
      break;
    }
    case "set-aside": {
      const rejected = new RejectedEvents(directory, { clock: systemClock });
      for (const text of ["first", LARGE, "last"]) {
        const event = sampleEvent({ id: text.slice(0, 5), payload: { text } });
        await rejected.setAside(event, AUDIT, "refused").then(
          () => say("set aside"),
          (error) => say(String(error)),
        );
      }
    }
  }
} catch (error) {
  say(String(error));
}

function openState(): StateFile {
  return new StateFile(directory, sampleDocument(), {
    clock: systemClock,
    observer: { saved: () => {} },
  });
}

function move({ progress }: StateFile, cursor: string): void {
  progress.advance({ ...sampleDocument().position, cursor }, []);
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
