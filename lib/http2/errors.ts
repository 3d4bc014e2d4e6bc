/**
 * What ends an HTTP/2 stream or connection, in numbers and names.
 *
 * @module
 */

/** Error codes of RFC 9113, section 7. */
export const ErrorCode = {
  NO_ERROR: 0x0,
  PROTOCOL_ERROR: 0x1,
  INTERNAL_ERROR: 0x2,
  FLOW_CONTROL_ERROR: 0x3,
  STREAM_CLOSED: 0x5,
  FRAME_SIZE_ERROR: 0x6,
  REFUSED_STREAM: 0x7,
  CANCEL: 0x8,
  COMPRESSION_ERROR: 0x9,
  ENHANCE_YOUR_CALM: 0xb,
} as const;

/** The peer does not keep to the protocol; nothing more can be read from it. */
export class Http2Error extends Error {
  override readonly name = "Http2Error";
  /** What the peer is told, of {@linkcode ErrorCode}. */
  readonly errorCode: number;

  constructor(message: string, errorCode: number) {
    super(`HTTP/2: ${message}`);
    this.errorCode = errorCode;
  }
}

/** More data than there was leave for, or leave for more than can be counted. */
export function beyondWindow(): Http2Error {
  return new Http2Error(
    "the peer goes beyond a window",
    ErrorCode.FLOW_CONTROL_ERROR,
  );
}
