import { History } from "../../../lib/operate/history.ts";
import { createPage } from "../../../lib/operate/page/page.tsx";
import type {
  Errand,
  RunningReport,
  RunReport,
  StateName,
} from "../../../lib/operate/status_report.ts";
import { assert, assertEquals, assertMatch } from "../../assert.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { watchedRun } from "../watched_run.ts";

const NOW = "2026-05-01T12:00:00.000Z";

/** A report of a run that has just begun, with what is given instead. */
function report(
  { run, ...more }: Partial<Omit<RunningReport, "run">> & {
    run?: Partial<RunReport>;
  } = {},
): RunningReport {
  const fresh = watchedRun().report();
  return { ...fresh, time: NOW, ...more, run: { ...fresh.run, ...run } };
}

async function render(shown: RunningReport): Promise<string> {
  return (await createPage())(shown).body;
}

/** What a person reads of it. */
async function text(shown: RunningReport): Promise<string> {
  return (await render(shown))
    .replace(/<(style|script).*?<\/\1>/gs, "")
    .replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");
}

async function hashOf(source: string): Promise<string> {
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(source),
  );
  return `'sha256-${new Uint8Array(digest).toBase64()}'`;
}

Deno.test("only the page's own style and script may be used, and nothing from elsewhere", async () => {
  const { body, headers } = (await createPage())(report());
  const policy = headers["content-security-policy"] ?? "";
  const inside = (tag: string) =>
    body.match(new RegExp(`<${tag}[^>]*>(.*?)</${tag}>`, "s"))?.[1] ?? "";
  assert(inside("style").length > 100 && inside("script").length > 100);
  assert(policy.includes(`style-src ${await hashOf(inside("style"))};`));
  assert(policy.includes(`script-src ${await hashOf(inside("script"))};`));
  assertMatch(policy, /^default-src 'none';/);
  assertEquals(policy.includes("unsafe"), false);
  // A style attribute would need leave of its own.
  assertEquals(/ style="/.test(body), false);
  const links = [...body.matchAll(/(?:src|href)="([^"]*)"/g)]
    .map(([, link]) => link ?? "");
  assertEquals(links.filter((link) => !link.startsWith("data:")), [
    "status",
    "metrics",
    "healthz",
    "readyz",
  ]);
});

Deno.test("each state is told in words, and in the title of the tab", async () => {
  const names: Record<StateName, string> = {
    connecting: "Connecting",
    delivering: "Delivering",
    "caught up": "Caught up",
    retrying: "Not delivering: retrying",
    stalled: "Stalled: nothing moves",
    stopping: "Stopping",
  };
  for (const [name, words] of Object.entries(names)) {
    const state = {
      name: name as StateName,
      since: "2026-05-01T11:57:00.000Z",
      text: "Why it is so.",
    };
    const shown = report({ cluster: "tele.example.com", run: { state } });
    const said = await text(shown);
    assertMatch(
      said,
      new RegExp(
        `${words} Why it is so\\. Since 2026-05-01 11:57:00 UTC \\(3 min\\)`,
      ),
    );
    assertMatch(
      await render(shown),
      new RegExp(
        `<title>${name} · tele.example.com · teleport-event-handler</title>`,
      ),
    );
  }
});

Deno.test("a side that fails is named, with its address, since when and why", async () => {
  const { sides } = report().run;
  const said = await text(report({
    run: {
      sides: {
        ...sides,
        fluentd: {
          address: "https://fluentd.example.com:8888",
          ok: false,
          failing: ["delivery of events"],
          since: "2026-05-01T11:00:00.000Z",
          error: "connection refused",
        },
      },
    },
  }));
  assertMatch(
    said,
    /Fluentd fails https:\/\/fluentd\.example\.com:8888 since 2026-05-01 11:00:00 UTC \(1 h\) connection refused/,
  );
});

Deno.test("while only recordings are not delivered, it is not said that nothing is", async () => {
  const { sides, state } = report().run;
  const headline = (...failing: Errand[]) =>
    text(report({
      run: {
        state: { ...state, name: "retrying" },
        sides: { ...sides, fluentd: { ...sides.fluentd, ok: false, failing } },
      },
    }));
  assertMatch(
    await headline("delivery of recordings"),
    /! Recordings are not delivered: retrying/,
  );
  assertMatch(
    await headline("delivery of recordings", "delivery of events"),
    /! Not delivering: retrying/,
  );
});

Deno.test("how far, how far behind, how fast and what needs a person is told", async () => {
  const said = await text(report({
    position: "2026-05-01T10:00:00Z",
    setAside: 3,
    recordings: {
      pending: 12,
      failing: 2,
      missing: 2,
      troubled: [{
        sessionId: "5b9b8a4d",
        since: "2026-04-28T12:00:00Z",
        attempts: 40,
        missing: true,
        lastError: "the recording is not there (yet)",
      }],
    },
    run: {
      lagSeconds: 7_200,
      eventsPerSecond: 12_345.67,
      recordingsDelivered: 34,
    },
  }));
  assertMatch(said, /Behind 2 h Rate 12,346 events\/s/);
  assertMatch(said, /Newest delivered 2026-05-01 10:00:00 UTC/);
  assertMatch(said, /Set aside ! 3 refused for good; see/);
  assertMatch(said, /Recordings missing ! 2 12 not delivered completely/);
  assertMatch(said, /34 delivered, 12 pending, of which 2 missing/);
  assertMatch(said, /And 1 more that cannot be read\./);
  assertMatch(
    said,
    /5b9b8a4d 2026-04-28 12:00:00 UTC \(3 d\) 40 missing: the recording is not there/,
  );
});

Deno.test("events that are left out, or have no account, are told as such", async () => {
  const { events } = report().run;
  const fine = await text(report({ setAside: 1 }));
  assertMatch(fine, /Set aside ! 1 refused for good; see/);
  assertEquals(/account/.test(fine), false);
  const said = await text(report({
    setAside: 5,
    run: {
      events: {
        ...events,
        recording: { ...events.recording, unaccounted: 2 },
        leftOut: 4,
      },
    },
  }));
  assertMatch(
    said,
    /Set aside ! 5 refused for good, or left out as Teleport could not send it \(4\); see/,
  );
  assertMatch(said, /Without an account ! 2 a fault of this program/);
});

Deno.test("problems that are not over come first", async () => {
  const problem = { error: "why", first: NOW, last: NOW, times: 2 };
  const said = await text(report({
    run: {
      problems: [
        { ...problem, what: "delivery of recordings", over: NOW },
        { ...problem, what: "delivery of events", over: null },
      ],
    },
  }));
  assertMatch(
    said,
    /delivery of events ! not over since 2026-05-01 12:00:00 UTC \(0 s\) , 2 times why delivery of recordings from/,
  );
});

Deno.test("a certificate that ends is told with the time it has left, or since when it has none", async () => {
  const credential = { notBefore: "2025-05-08T12:00:00Z", endsSoon: true };
  const said = await text(report({
    credentials: [
      { ...credential, name: "fluentd-cert", notAfter: "2026-05-01T11:00:00Z" },
      {
        ...credential,
        name: "teleport-identity",
        notAfter: "2026-05-08T12:00:00Z",
      },
      {
        ...credential,
        name: "fluentd-ca",
        notAfter: "2027-05-01T12:00:00Z",
        endsSoon: false,
      },
    ],
  }));
  assertMatch(
    said,
    /fluentd-cert 2026-05-01 11:00:00 UTC ended 1 h ago teleport-identity 2026-05-08 12:00:00 UTC 7 d : renew it fluentd-ca 2027-05-01 12:00:00 UTC 365 d Since/,
  );
});

Deno.test("what a server says cannot become part of the page", async () => {
  const { sides } = report().run;
  const body = await render(report({
    cluster: `<script>alert(1)</script>"`,
    run: {
      sides: {
        ...sides,
        teleport: { ...sides.teleport, error: "<img src=x onerror=alert(1)>" },
      },
    },
  }));
  assertEquals(body.match(/<script/g)?.length, 1);
  assertEquals(body.includes("<img"), false);
});

Deno.test("a chart has a bar for each minute that is known, the highest as high as the chart", async () => {
  const at = (minutesAgo: number) =>
    new Date(Date.parse(NOW) - minutesAgo * 60_000).toISOString();
  const body = await render(report({
    run: {
      history: [
        { time: at(2), eventsPerSecond: 50, lagSeconds: null },
        { time: at(1), eventsPerSecond: 100, lagSeconds: null },
        { time: at(0), eventsPerSecond: 0, lagSeconds: 30 },
      ],
    },
  }));
  const [rate = "", lag = ""] = body.match(/<svg.*?<\/svg>/gs) ?? [];
  const heights = (svg: string) =>
    [...svg.matchAll(/<rect[^>]*height="([\d.]+)"/g)].map(([, it]) =>
      Number(it)
    );
  assertEquals(heights(rate), [60, 120, 0]);
  assertEquals(heights(lag), [120]);
  assertMatch(rate, /aria-label="Events per second: now 0, at most 100"/);
});

Deno.test("at no second do bars of a chart overlap, or leave it", async () => {
  const clock = new FakeClock();
  const history = new History(clock);
  let delivered = 0;
  for (let second = 1; second <= 4_000; second++) {
    await clock.advance(1_000);
    history.sample(delivered += 10, 0);
    if (second < 3_900 && second > 130) continue;
    const body = await render(report({
      time: new Date(clock.now()).toISOString(),
      run: { history: history.report(delivered, 0) },
    }));
    const [rate = ""] = body.match(/<svg.*?<\/svg>/gs) ?? [];
    const bars = [...rate.matchAll(/<rect x="([-\d.]+)"[^>]*width="([\d.]+)"/g)]
      .map(([, x, width]) => ({
        x: Number(x),
        end: Number(x) + Number(width),
      }));
    assertEquals(bars.length, Math.min(61, Math.floor(second / 60) + 1));
    for (const [i, { x, end }] of bars.entries()) {
      const next = bars[i + 1]?.x ?? 600;
      assert(x >= 0 && end < next, `${second} s: ${end} is not before ${next}`);
    }
  }
});
