/**
 * A stand-in for nginx with `ssl_verify_client on`: it shakes hands with everybody,
 * and says by HTTP whom it does not let in. As measured with nginx 1.22.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { TLSSocket } from "node:tls";
import type { FluentdTls } from "./fluentd_tls.ts";
import { findFreePort } from "./free_port.ts";
import { listenOn } from "./listening.ts";

/** A running stand-in. */
export interface Nginx extends AsyncDisposable {
  readonly url: string;
}

/** Starts one on the loopback interface, which takes whatever those post who are let in. */
export async function startNginx(tls: FluentdTls): Promise<Nginx> {
  const port = findFreePort();
  const server = createServer(
    { ...tls, requestCert: true, rejectUnauthorized: false },
    (request, response) => answer(request, response),
  );
  await listenOn(port, server);
  return {
    url: `https://localhost:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function answer({ socket }: IncomingMessage, response: ServerResponse): void {
  if (!(socket instanceof TLSSocket) || socket.authorized) {
    response.writeHead(200).end();
    return;
  }
  const shown = Object.keys(socket.getPeerCertificate()).length > 0;
  response.writeHead(400, { "content-type": "text/html", connection: "close" })
    .end(
      nginxPage(
        shown
          ? "The SSL certificate error"
          : "No required SSL certificate was sent",
      ),
    );
}

/** How nginx says with status 400 what is wrong. */
export function nginxPage(complaint: string): string {
  return [
    "<html>",
    `<head><title>400 ${complaint}</title></head>`,
    "<body>",
    "<center><h1>400 Bad Request</h1></center>",
    `<center>${complaint}</center>`,
    "<hr><center>nginx/1.22.1</center>",
    "</body>",
    "</html>",
    "",
  ].join("\r\n");
}
