#!/bin/sh
# Makes certificates to try the program with, by OpenSSL or LibreSSL: a CA, a
# server certificate whose key is encrypted, and a client certificate.
#
#   PASS      password of server.key (required)
#   KEYLEN    bits of the RSA keys (default 4096)
#   KEYS_DIR  where to write (default example/keys)
#   OPENSSL   the program to use (default openssl)
set -eu
cd "$(dirname "$0")/.."

if [ -z "${PASS:-}" ]; then
  echo "Cannot encrypt server.key: PASS is not set. Try:" \
    "PASS=12345678 KEYLEN=4096 deno task gen-example-mtls" >&2
  exit 2
fi
KEYLEN=${KEYLEN:-4096}
OPENSSL=${OPENSSL:-openssl}
out=${KEYS_DIR:-example/keys}
config=example/ssl.conf
export PASS

# LibreSSL and OpenSSL before 1.1.1 know no newer options than those used here.
umask 077
mkdir -p "$out"
new=$(mktemp -d "$out/.new.XXXXXX")
trap 'rm -rf "$new"' EXIT

"$OPENSSL" genrsa -out "$new/ca.key" "$KEYLEN"
"$OPENSSL" req -config "$config" -key "$new/ca.key" -new -x509 -days 7300 \
  -sha256 -extensions v3_ca -subj "/CN=ca" -out "$new/ca.crt"

# sign NAME EXTENSIONS [PASSIN]: a certificate for NAME.key.
sign() {
  "$OPENSSL" req -config "$config" -subj "/CN=$1" -key "$new/$1.key" \
    ${3:+-passin "$3"} -new -out "$new/$1.csr"
  "$OPENSSL" x509 -req -in "$new/$1.csr" -CA "$new/ca.crt" \
    -CAkey "$new/ca.key" -CAcreateserial -days 365 -sha256 \
    -out "$new/$1.crt" -extfile "$config" -extensions "$2"
  rm "$new/$1.csr"
}

"$OPENSSL" genrsa -aes256 -passout env:PASS -out "$new/server.key" "$KEYLEN"
sign server server_cert env:PASS

"$OPENSSL" genrsa -out "$new/client.key" "$KEYLEN"
sign client client_cert

mv "$new"/*.crt "$new"/*.key "$out/"
echo "Written to $out: ca, server and client, .crt and .key."
