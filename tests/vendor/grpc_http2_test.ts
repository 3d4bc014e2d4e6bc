import { Buffer } from "node:buffer";
import http2 from "node:http2";
import { createServer, type TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";
import { StreamDecoder } from "@grpc/grpc-js/build/src/stream-decoder.js";
import { ClientSession } from "../../lib/http2/client_session.ts";
import {
  Flag,
  frame,
  FrameType,
  settingsFrame,
  uint32,
} from "../../lib/http2/frames.ts";
import { encodeHeaders } from "../../lib/http2/hpack.ts";
import { useOwnHttp2 } from "../../lib/vendor/grpc_http2.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertThrows,
} from "../assert.ts";
import { grpcMessage, HEADER_BYTES } from "../fakes/grpc_message.ts";
import { listening } from "../fakes/listening.ts";
import { teleportPki } from "../fakes/pki.ts";
import { Random } from "../fakes/random.ts";
import { callTeleport } from "../fakes/teleport_caller.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import { ScriptedPeer } from "../http2/peers.ts";

const GOODBYE = fileURLToPath(new URL("./goodbye.ts", import.meta.url));
const { write } = StreamDecoder.prototype;

Deno.test("a session that ends on its peer's GOAWAY does not take the process with it", async () => {
  const { code, signal, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--quiet", GOODBYE],
  }).output();
  assertEquals(
    { code, signal, stdout: new TextDecoder().decode(stdout) },
    { code: 0, signal: null, stdout: "survived\n" },
  );
});

Deno.test("a peer that says goodbye with its greeting is left for another connection", async () => {
  const { server: { certificatePem, privateKeyPem } } = await teleportPki();
  const server = createServer({
    cert: certificatePem,
    key: privateKeyPem,
    ALPNProtocols: ["h2"],
  });
  const greeting = settingsFrame(new Map());
  const goodbye = frame({ type: FrameType.GOAWAY }, uint32(0, 0));
  const answer = encodeHeaders([[":status", "200"], ["grpc-status", "5"]]);
  let connections = 0;
  server.on("secureConnection", async (socket: TLSSocket) => {
    const peer = new ScriptedPeer(socket);
    if (++connections === 1) return peer.send(greeting, goodbye);
    peer.send(greeting);
    const { streamId } = await peer.received(FrameType.HEADERS);
    const flags = Flag.END_HEADERS | Flag.END_STREAM;
    peer.send(frame({ type: FrameType.HEADERS, flags, streamId }, answer));
  });
  const { port } = await listening(server);
  await using caller = await callTeleport({ address: `127.0.0.1:${port}` });
  await assertRejects(() => caller.ask("Ping", {}), Error, "UNAVAILABLE");
  await waitUntil("another connection", () =>
    caller.ask("Ping", {}).then(
      () => false,
      (error) => String(error).includes("NOT_FOUND"),
    ));
  server.close();
});

Deno.test("a connection that is not one of TLS is left to Deno", async () => {
  useOwnHttp2();
  const session = http2.connect("http://127.0.0.1:9");
  const [error] = await new Promise<[Error]>((resolve) =>
    session.on("error", (error) => resolve([error]))
  );
  assert(error instanceof Error);
  assert(!((session as unknown) instanceof ClientSession));
});

Deno.test("messages are what grpc-js makes of them, however they come", () => {
  useOwnHttp2();
  const seed = crypto.getRandomValues(new Int32Array(1))[0] ?? 0;
  for (let position = 0; position < 500; position++) {
    const random = new Random(seed, position);
    const bytes = Buffer.concat(
      Array.from(
        { length: 1 + random.below(8) },
        () =>
          grpcMessage(
            random.bytes(random.below(4) === 0 ? 0 : random.below(90)),
          ),
      ),
    );
    const ours = new StreamDecoder(-1);
    const theirs = new StreamDecoder(-1);
    const decoded: Buffer[] = [];
    const expected: Buffer[] = [];
    for (const chunk of cut(bytes, random)) {
      decoded.push(...ours.write(Buffer.from(chunk)));
      expected.push(...write.call(theirs, Buffer.from(chunk)));
    }
    const hint = `seed ${seed}, position ${position}`;
    assertEquals(decoded.map(hex), expected.map(hex), hint);
  }
});

Deno.test("a message that came whole is not copied", () => {
  useOwnHttp2();
  const one = grpcMessage(Uint8Array.of(1, 2));
  const chunk = Buffer.from(Uint8Array.from(Buffer.concat([one, one])).buffer);
  const messages = new StreamDecoder(100).write(chunk);
  assertEquals(messages.map(hex), [hex(one), hex(one)]);
  assert(messages.every(({ buffer }) => buffer === chunk.buffer));
});

Deno.test("a message that is too large is refused by its header, as by grpc-js", () => {
  useOwnHttp2();
  const small = grpcMessage(new Uint8Array(10));
  const large = grpcMessage(new Uint8Array(11));
  assertEquals(new StreamDecoder(10).write(small).length, 1);
  for (const chunk of [large, Buffer.concat([small, large.subarray(0, 5)])]) {
    assertThrows(
      () => new StreamDecoder(10).write(chunk),
      Error,
      "Received message larger than max (11 vs 10)",
    );
  }
});

/** Each part ends where a message does, now and then. */
function cut(bytes: Buffer, random: Random): Buffer[] {
  const chunks: Buffer[] = [];
  let from = 0;
  while (from < bytes.length) {
    const length = bytes.length - from < HEADER_BYTES
      ? 0
      : bytes.readUInt32BE(from + 1);
    const whole = from + HEADER_BYTES + length;
    const to = random.chance(0.5) && whole <= bytes.length
      ? whole
      : from + 1 + random.below(40);
    chunks.push(bytes.subarray(from, to));
    from = Math.min(to, bytes.length);
  }
  return chunks;
}

function hex(bytes: Buffer): string {
  return bytes.toString("hex");
}
