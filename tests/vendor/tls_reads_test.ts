import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { connect, createServer, TLSSocket } from "node:tls";
import { freeReads } from "../../lib/vendor/tls_reads.ts";
import { assert, assertEquals } from "../assert.ts";
import { turn } from "../fakes/fake_clock.ts";
import { listening } from "../fakes/listening.ts";
import { teleportPki } from "../fakes/pki.ts";
import { Random } from "../fakes/random.ts";
import { waitUntil } from "../fakes/wait_until.ts";

/** What the TCP connection below reads, as Deno has it. */
interface Below {
  _handle: {
    _nativeTcpHandle: { onread: (read: ArrayBuffer | undefined) => void };
  };
}

/** A connection to a server that sends so many random bytes, and ends. */
async function setUp(size: number) {
  const { authority, server: { certificatePem, privateKeyPem } } =
    await teleportPki();
  const sent = new Random(3, 0).bytes(size);
  const server = createServer(
    { cert: certificatePem, key: privateKeyPem },
    (socket) => socket.end(sent),
  );
  const { port } = await listening(server);
  const tcp: Socket = connectTcp(port, "127.0.0.1");
  await once(tcp, "connect");
  const tls = connect({
    socket: tcp,
    servername: "teleport.cluster.local",
    ca: authority.certificatePem,
  });
  const reads: ArrayBuffer[] = [];
  const { _nativeTcpHandle: handle } = (tls as unknown as Below)._handle;
  const { onread } = handle;
  handle.onread = (read) => {
    if (read !== undefined) reads.push(read);
    onread(read);
  };
  return {
    sent,
    tls,
    reads,
    async [Symbol.asyncDispose]() {
      tls.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

Deno.test("what is read of a TLS connection arrives unaltered, and its memory is freed at once", async () => {
  await using test = await setUp(5_000_000);
  freeReads(test.tls);
  const received: Buffer[] = [];
  let bytes = 0;
  test.tls.on("data", async (chunk: Buffer) => {
    received.push(chunk);
    bytes += chunk.length;
    // However long it is not read on.
    test.tls.pause();
    for (let i = 0; i < received.length % 5; i++) await turn();
    test.tls.resume();
  });
  await waitUntil("all of it", () => bytes >= test.sent.length);
  assertEquals(
    test.reads.filter(({ detached }) => detached).length,
    test.reads.length,
  );
  assert(Buffer.concat(received).equals(Buffer.from(test.sent)));
  assert(test.reads.length >= test.sent.length / (64 * 1024));
});

Deno.test("a connection of another make is left alone", () => {
  const tls = new TLSSocket(undefined as unknown as Socket);
  freeReads(tls);
  freeReads({} as TLSSocket);
  tls.destroy();
});
