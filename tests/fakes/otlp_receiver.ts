/**
 * A receiver of OpenTelemetry's protocol: OTLP over HTTP, as JSON.
 *
 * @module
 */

/** A span, as far as tests look at it. */
export interface ReceivedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly failed: boolean;
  readonly attributes: Readonly<Record<string, string | number>>;
}

interface OtlpSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly status?: { readonly code?: number };
  readonly attributes?: readonly OtlpAttribute[];
}

interface OtlpAttribute {
  readonly key: string;
  readonly value: Readonly<Record<string, string | number>>;
}

interface OtlpTraces {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string };
      readonly spans: readonly OtlpSpan[];
    }[];
  }[];
}

/** `STATUS_CODE_ERROR` */
const ERROR = 2;

/** Starts a receiver on the loopback interface. */
export function startOtlpReceiver(): OtlpReceiver {
  return new OtlpReceiver();
}

/** A running receiver. */
export class OtlpReceiver implements AsyncDisposable {
  /** All that came, as it came. */
  readonly bodies: string[] = [];
  readonly #spans: { scope: string; span: ReceivedSpan }[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        const body = await request.text();
        this.bodies.push(body);
        if (new URL(request.url).pathname === "/v1/traces") this.#take(body);
        return Response.json({});
      },
    );
  }

  /** What makes Deno send to it. */
  get env(): Record<string, string> {
    return {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${this.#server.addr.port}`,
    };
  }

  /** The spans of a library, as it calls itself, with that name. */
  spans(scope: string, name: string): ReceivedSpan[] {
    return this.#spans.filter((it) =>
      it.scope === scope && it.span.name === name
    ).map(({ span }) => span);
  }

  /** Every span. */
  all(): ReceivedSpan[] {
    return this.#spans.map(({ span }) => span);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  #take(body: string): void {
    const { resourceSpans }: OtlpTraces = JSON.parse(body);
    for (const { scopeSpans } of resourceSpans) {
      for (const { scope, spans } of scopeSpans) {
        for (const span of spans) {
          this.#spans.push({ scope: scope.name, span: toReceived(span) });
        }
      }
    }
  }
}

function toReceived(
  { name, traceId, spanId, parentSpanId = "", status, attributes = [] }:
    OtlpSpan,
): ReceivedSpan {
  return {
    name,
    traceId,
    spanId,
    parentSpanId,
    failed: status?.code === ERROR,
    attributes: Object.fromEntries(
      attributes.map(({ key, value }) => [key, toValue(value)]),
    ),
  };
}

/** 64-bit integers come as text. */
function toValue(value: OtlpAttribute["value"]): string | number {
  const { intValue, doubleValue, stringValue } = value;
  if (intValue !== undefined) return Number(intValue);
  return doubleValue ?? stringValue ?? JSON.stringify(value);
}
