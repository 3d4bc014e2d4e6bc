import { assert, assertEquals } from "../assert.ts";
import { startOtlpReceiver } from "../fakes/otlp_receiver.ts";
import { runProgram } from "../fakes/program.ts";
import { setStage } from "./stage.ts";

const OURS = "teleport-event-handler";
const EXIT = "--exit-on-last-event";

function sum(counts: readonly (string | number | undefined)[]): number {
  return counts.reduce<number>((total, count) => total + Number(count), 0);
}

Deno.test("where OpenTelemetry is on, pages, requests and recordings are spans with counts, and no payload", async () => {
  await using stage = await setStage({ size: 300, uploadEvery: 40 });
  stage.fluentd.faults.add({ kind: "status", status: 503, times: 1 });
  await using receiver = startOtlpReceiver();
  const { code, stderr } = await runProgram(stage.start(EXIT), {
    env: receiver.env,
  });
  assertEquals(code, 0, stderr);

  const pages = receiver.spans(OURS, "page");
  assertEquals(sum(pages.map(({ attributes }) => attributes.events)), 300);
  assert(pages.every(({ attributes }) => Number(attributes.limit) >= 20));

  const requests = receiver.spans(OURS, "request");
  const delivered = requests.filter(({ failed }) => !failed);
  const expected = [...stage.expectedIds()].length;
  assertEquals(
    sum(delivered.map(({ attributes }) => attributes.events)),
    expected,
  );
  assertEquals(
    requests.filter(({ failed }) => failed)
      .map(({ attributes }) => attributes.outcome),
    ["busy"],
  );
  assert(delivered.every(({ attributes }) => Number(attributes.bytes) > 100));

  const sessions = [...stage.teleport.log.sessionIds()];
  const recordings = receiver.spans(OURS, "recording");
  assertEquals(
    recordings.map(({ attributes }) => attributes.session).sort(),
    sessions.sort(),
  );

  // What the runtime tells of a request itself is within ours.
  const parents = new Set(requests.map(({ spanId }) => spanId));
  const sent = receiver.all().filter(({ attributes }) =>
    String(attributes["url.full"]).startsWith(stage.fluentd.url)
  );
  assertEquals(sent.length, requests.length);
  assert(sent.every(({ parentSpanId }) => parents.has(parentSpanId)));

  const all = receiver.bodies.join("\n");
  for (const id of stage.teleport.log.ids()) assert(!all.includes(id), id);
});

Deno.test("a call to Teleport that fails is a span that failed, with gRPC's status", async () => {
  await using stage = await setStage({ size: 30 });
  stage.teleport.faults.add({
    kind: "status",
    code: "UNAVAILABLE",
    method: "GetUnstructuredEvents",
    times: 1,
  });
  await using receiver = startOtlpReceiver();
  const { code, stderr } = await runProgram(stage.start(EXIT), {
    env: receiver.env,
  });
  assertEquals(code, 0, stderr);
  assertEquals(
    receiver.spans(OURS, "page").filter(({ failed }) => failed)
      .map(({ attributes }) => attributes.status),
    ["unavailable"],
  );
});
