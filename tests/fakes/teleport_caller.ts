/**
 * The smallest client of Teleport's API, to test the stand-in with.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import {
  EmptySchema,
  EventExportChunkSchema,
  EventsUnstructuredSchema,
  EventUnstructuredSchema,
  ExportEventUnstructuredSchema,
  PingResponseSchema,
} from "../../lib/teleport/proto/teleport_pb.ts";
import type { IssuedCertificate } from "../../lib/configure/certificates.ts";
import { useOwnHttp2 } from "../../lib/vendor/grpc_http2.ts";
import { teleportPki } from "./pki.ts";
import { type Method, METHODS } from "./teleport_methods.ts";

const ANSWERS = {
  GetUnstructuredEvents: EventsUnstructuredSchema,
  StreamUnstructuredSessionEvents: EventUnstructuredSchema,
  GetEventExportChunks: EventExportChunkSchema,
  ExportUnstructuredEvents: ExportEventUnstructuredSchema,
  Ping: PingResponseSchema,
  UpsertLock: EmptySchema,
} as const satisfies Record<Method, DescMessage>;

type UnaryMethod = "GetUnstructuredEvents" | "Ping" | "UpsertLock";
type StreamMethod = Exclude<Method, UnaryMethod>;
type Question<M extends Method> = MessageInitShape<
  typeof METHODS[M]["request"]
>;
type Reply<M extends Method> = MessageShape<typeof ANSWERS[M]>;

const DEADLINE_MS = 10_000;
const RECONNECT_MS = 10;
// Reconnecting is put off by up to 1.2 times that, whether closed or not.
const LAST_RECONNECT_MS = 2 * RECONNECT_MS;

useOwnHttp2();

/** Who calls, and whom they trust. */
export interface CallerOptions {
  /** The cluster's own client if not given; `null` shows none. */
  readonly client?: IssuedCertificate | null;
  /** PEM; the cluster's own authority if not given. */
  readonly ca?: string;
}

/** Prepares calls to a stand-in; it connects with the first. */
export async function callTeleport(
  { address }: { readonly address: string },
  options: CallerOptions = {},
): Promise<TeleportCaller> {
  const pki = await teleportPki();
  const { client = pki.client, ca = pki.authority.certificatePem } = options;
  return new TeleportCaller(
    new Client(
      address,
      client === null ? credentials.createSsl(Buffer.from(ca)) : credentials
        .createSsl(
          Buffer.from(ca),
          Buffer.from(client.privateKeyPem),
          Buffer.from(client.certificatePem),
        ),
      {
        "grpc.ssl_target_name_override": "teleport.cluster.local",
        "grpc.max_receive_message_length": -1,
        "grpc.initial_reconnect_backoff_ms": RECONNECT_MS,
        "grpc.max_reconnect_backoff_ms": RECONNECT_MS,
        "grpc.enable_retries": 0,
      },
    ),
  );
}

/** Calls methods of the API by name. */
export class TeleportCaller implements AsyncDisposable {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Resolves with the answer; rejects with grpc-js' own error. */
  ask<M extends UnaryMethod>(
    method: M,
    question: Question<M>,
  ): Promise<Reply<M>> {
    const { path, request } = METHODS[method];
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        toBuffer,
        (bytes) => fromBinary(ANSWERS[method], bytes) as Reply<M>,
        encode(request, question),
        { deadline: Date.now() + DEADLINE_MS },
        (error, answer) => {
          if (answer === undefined) reject(error);
          else resolve(answer);
        },
      );
    });
  }

  /**
   * Yields the answers; the iteration throws grpc-js' own error, which overtakes
   * answers that were not yielded yet.
   */
  async *stream<M extends StreamMethod>(
    method: M,
    question: Question<M>,
  ): AsyncGenerator<Reply<M>> {
    const { path, request } = METHODS[method];
    const call = this.#client.makeServerStreamRequest(
      path,
      toBuffer,
      (bytes) => fromBinary(ANSWERS[method], bytes) as Reply<M>,
      encode(request, question),
      { deadline: Date.now() + DEADLINE_MS },
    );
    try {
      yield* call;
    } finally {
      call.cancel();
    }
  }

  /** Resolves when nothing of it is left, not even a timer. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    await new Promise((resolve) => setTimeout(resolve, LAST_RECONNECT_MS));
  }
}

function encode<Schema extends DescMessage>(
  schema: Schema,
  message: MessageInitShape<Schema>,
): Uint8Array {
  return toBinary(schema, create(schema, message));
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes);
}
