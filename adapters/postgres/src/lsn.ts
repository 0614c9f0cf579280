/** Positions in the write-ahead log. Compared as integers, never as text: `0/9` is before `0/10`. */

const LSN = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/;

/** Reads `X/Y`. @throws {RangeError} if `text` is not a position */
export function parseLsn(text: string): bigint {
  const [, high, low] = LSN.exec(text) ?? [];
  if (high === undefined || low === undefined) {
    throw new RangeError(`not a position in the write-ahead log: ${text}`);
  }
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}

/** Bytes from `start` to `end`; 0 if `end` is not behind `start`. */
export function bytesBetween(start: bigint, end: bigint): bigint {
  return end > start ? end - start : 0n;
}
