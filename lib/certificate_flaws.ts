/**
 * What makes a certificate unfit, in the same words whoever finds it; whose
 * certificate it is goes before.
 *
 * @module
 */

/** It is of X.509 version 1. */
export const IS_VERSION_1 =
  "is of X.509 version 1, which nothing here takes: issue one of version 3 (openssl x509 -req needs -extfile)";

/** A server shows that of a CA. */
export const IS_AUTHORITY =
  "is that of a CA: give it one of its own, signed by the CA";

/** A server shows one whose purposes do not include that. */
export const IS_NOT_FOR_SERVERS =
  "is not meant for servers: issue one for server authentication";
