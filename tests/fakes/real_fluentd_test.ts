import { createPrivateKey } from "node:crypto";
import {
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "../assert.ts";
import { connectTo, outwaitIdleTimeout, postTo } from "./fluentd_client.ts";
import { fluentdTls } from "./fluentd_tls.ts";
import { fluentdPki, strangerPki } from "./pki.ts";
import { ignoreWithoutFluentd, startRealFluentd } from "./real_fluentd.ts";

const ignore = ignoreWithoutFluentd();
const pki = await fluentdPki();
const tls = fluentdTls(pki);

Deno.test({
  name: "a real Fluentd, configured as documented",
  ignore,
  async fn(t) {
    await using fluentd = await startRealFluentd({ tls, keepaliveTimeoutS: 1 });
    const url = `${fluentd.url}/test.log`;
    const post = async (tag: string, body: BodyInit) => {
      using client = connectTo(pki);
      return await postTo(`${fluentd.url}/${tag}`, { client, body });
    };

    await t.step("refuses a client without a certificate", async () => {
      using client = Deno.createHttpClient({ caCerts: [tls.ca] });
      await assertRejects(() => postTo(url, { client, body: "{}" }), TypeError);
    });

    await t.step("refuses a certificate of another authority", async () => {
      using client = connectTo(pki, { as: await strangerPki() });
      await assertRejects(() => postTo(url, { client, body: "{}" }), TypeError);
    });

    await t.step(
      "refuses for good a client whose idle connection it closed, and serves a new one",
      async () => {
        using client = connectTo(pki);
        const body = "[]";
        assertEquals(await postTo(url, { client, body }), 200);
        assertEquals(await postTo(url, { client, body }), 200);
        await outwaitIdleTimeout(fluentd, pki);
        for (let attempt = 1; attempt <= 2; attempt++) {
          const error = await assertRejects(
            () => postTo(url, { client, body }),
            TypeError,
          );
          assertStringIncludes(String(error.cause ?? error), "InternalError");
        }
        assertEquals(await post("test.log", body), 200);
        assertStringIncludes(
          await fluentd.log(),
          "session id context uninitialized",
        );
      },
    );

    await t.step(
      "writes objects and arrays by tag, in order, and takes out the time",
      async () => {
        const time = "2024-01-02T03:04:05.678Z";
        const a = { uid: "a", nested: { list: [1, null, "ü\u0001"] }, n: 1.5 };
        assertEquals(
          await post("test.log", JSON.stringify({ ...a, time })),
          200,
        );
        assertEquals(await post("test.log", '[{"uid":"b"},{"uid":"c"}]'), 200);
        assertEquals(await post("session.x.log", '{"uid":"s"}'), 200);
        assertEquals(await fluentd.written("test.log"), [
          a,
          { uid: "b" },
          { uid: "c" },
        ]);
        assertEquals(await fluentd.written("session.x.log"), [{ uid: "s" }]);
        assertEquals(await fluentd.written("session.y.log"), []);
      },
    );

    await t.step(
      "answers 200 to what it cannot parse, and drops it",
      async () => {
        assertEquals(
          await post("session.bad.log", '{"uid":"a"}\n{"uid":'),
          200,
        );
        assertEquals(await fluentd.written("session.bad.log"), []);
      },
    );

    await t.step("refuses the whole array for one bad time", async () => {
      const body = '[{"uid":"a"},{"uid":"b","time":"yesterday"}]';
      assertEquals(await post("session.bad.log", body), 400);
      assertEquals(await fluentd.written("session.bad.log"), []);
    });

    await t.step(
      "comes back on its port, also when killed, with what it acknowledged",
      async () => {
        assertEquals(await post("session.z.log", '{"uid":"a"}'), 200);
        await fluentd.restart();
        assertEquals(await post("session.z.log", '{"uid":"b"}'), 200);
        await fluentd.restart("SIGKILL");
        assertEquals(await post("session.z.log", '{"uid":"c"}'), 200);
        const written = await fluentd.written("session.z.log");
        assertEquals(
          written.map(({ uid }) => uid).toSorted(),
          ["a", "b", "c"],
        );
      },
    );

    await t.step("writes what it acknowledged before it stops", async () => {
      assertEquals(await post("session.q.log", '{"uid":"a"}'), 200);
      await fluentd.stop();
      assertEquals(await fluentd.written("session.q.log"), [{ uid: "a" }]);
      await assertRejects(() => post("test.log", "[]"), TypeError);
    });
  },
});

Deno.test({
  name:
    "a real Fluentd takes an encrypted key, and can be told to keep the time",
  ignore,
  async fn() {
    const passphrase = 'quotes " and #{code}';
    const key = createPrivateKey(tls.key).export({
      type: "pkcs8",
      format: "pem",
      cipher: "aes-256-cbc",
      passphrase,
    }).toString();
    await using fluentd = await startRealFluentd({
      tls: { ...tls, key, passphrase },
      time: "kept",
    });
    using client = connectTo(pki);
    const record = { uid: "a", time: "2024-01-02T03:04:05.678Z" };
    const body = JSON.stringify(record);
    const url = `${fluentd.url}/test.log`;
    assertEquals(await postTo(url, { client, body }), 200);
    assertEquals(await fluentd.written("test.log"), [record]);
  },
});

Deno.test({
  name: "a real Fluentd that reads times with their zone takes each of them",
  ignore,
  async fn() {
    await using fluentd = await startRealFluentd({ tls, time: "zoned" });
    using client = connectTo(pki);
    const times = [
      "03:04:05.678Z",
      "03:04:05.6Z",
      "03:04:05Z",
      "03:04:05+02:00",
    ];
    const records = times.map((time, i) => ({
      uid: `e${i}`,
      time: `2024-01-02T${time}`,
    }));
    const url = `${fluentd.url}/test.log`;
    const body = JSON.stringify([...records, { uid: "without a time" }]);
    assertEquals(await postTo(url, { client, body }), 200);
    assertEquals(
      (await fluentd.written("test.log")).map(({ uid }) => uid),
      ["e0", "e1", "e2", "e3", "without a time"],
    );
  },
});

Deno.test({
  name: "a real Fluentd that cannot start says why",
  ignore,
  async fn() {
    const broken = { ...tls, key: "not a key" };
    await assertRejects(
      () => startRealFluentd({ tls: broken }),
      Error,
      "Fluentd ended while it started",
    );
  },
});
