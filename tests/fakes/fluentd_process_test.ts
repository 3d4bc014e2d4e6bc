import { join } from "node:path";
import { assertEquals, assertRejects } from "../assert.ts";
import { withDirectory } from "./directory.ts";
import { connectTo, postTo } from "./fluentd_client.ts";
import { startFluentdProcess } from "./fluentd_process.ts";
import { fluentdTls } from "./fluentd_tls.ts";
import { fluentdPki } from "./pki.ts";

Deno.test("a process of its own demands certificates, obeys commands and compares", async () => {
  await withDirectory(async (directory) => {
    const pki = await fluentdPki();
    const paths = {
      ca: join(directory, "ca.crt"),
      cert: join(directory, "server.crt"),
      key: join(directory, "server.key"),
    };
    const { ca, cert, key } = fluentdTls(pki);
    await Deno.writeTextFile(paths.ca, ca);
    await Deno.writeTextFile(paths.cert, cert);
    await Deno.writeTextFile(paths.key, key);

    await using fluentd = await startFluentdProcess(paths);
    const post = async (body: string) => {
      using client = connectTo(pki);
      return await postTo(`${fluentd.url}/test.log`, { client, body });
    };
    using nobody = Deno.createHttpClient({ caCerts: [ca] });
    await assertRejects(
      () => postTo(fluentd.url, { client: nobody, body: "{}" }),
      TypeError,
    );

    const two = fluentd.waitForEvents(2);
    await fluentd.setFaults({ kind: "status", status: 503, times: 1 });
    assertEquals(await post('{"uid":"a"}'), 503);
    assertEquals(await post('[{"uid":"a"},{"uid":"b"}]'), 200);
    await two;
    await fluentd.stop();
    await assertRejects(() => post('{"uid":"c"}'), TypeError);
    await fluentd.start();
    await fluentd.restart();
    assertEquals(await post('{"uid":"b"}'), 200);

    assertEquals(await fluentd.ids("test.log"), ["a", "b", "b"]);
    const { connections, ...report } = await fluentd.report({
      expected: ["a", "b", "c"],
    });
    assertEquals(report, {
      events: 3,
      tags: { "test.log": 3 },
      requests: 3,
      outcomes: { "200": 2, "503": 1 },
      maxConcurrentRequests: 1,
      comparison: { missing: ["c"], duplicates: ["b"], unexpected: [] },
    });
    assertEquals([connections.accepted, connections.refused], [3, 1]);
  });
});

Deno.test("a process that ends tells those who wait", async () => {
  let waiting: Promise<unknown>;
  {
    await using fluentd = await startFluentdProcess();
    waiting = assertRejects(() => fluentd.waitForEvents(1), Error, "has ended");
  }
  await waiting;
});

Deno.test("a process that cannot start says so", async () => {
  await assertRejects(
    () => startFluentdProcess({ ca: "/none", cert: "/none", key: "/none" }),
    Error,
    "did not start: exit status 1",
  );
});
