/**
 * Identities from the tests' certificates.
 *
 * @module
 */

import {
  type Identity,
  parseIdentityFile,
} from "../../lib/teleport/identity.ts";
import { identityText } from "../fakes/identity_file.ts";
import { type Pki, teleportPki } from "../fakes/pki.ts";

/**
 * The identity of a cluster's client, as if from `/etc/identity`; expired ones too.
 *
 * @param more Other authorities that it trusts
 */
export async function identityOf(
  pki?: Pki,
  more: readonly Pki[] = [],
): Promise<Identity> {
  const text = await identityText({ pki: pki ?? await teleportPki() });
  const authorities = more.map(({ authority }) => authority.certificatePem);
  return parseIdentityFile(text + authorities.join(""), {
    path: "/etc/identity",
    nowMs: 0,
  });
}
