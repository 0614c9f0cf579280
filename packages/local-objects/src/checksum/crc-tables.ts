/**
 * The two checksums of S3 that Node does not bring: CRC-32C (Castagnoli) and CRC-64/NVME, both
 * reflected, computed eight bytes at a time from tables.
 */

const CRC32C_POLYNOMIAL = 0x82f6_3b78;
const CRC64NVME_POLYNOMIAL = 0x9a6c_9329_ac4b_c9b5n;
const SLICES = 8;

let crc32cTable: Uint32Array | null = null;
let crc64Tables: { readonly low: Uint32Array; readonly high: Uint32Array } | null = null;

/** Continues a CRC-32C; begin with 0. */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  crc32cTable ??= makeCrc32cTable();
  const table = crc32cTable;
  let crc = ~previous;
  let at = 0;
  for (const end = bytes.length - 7; at < end; at += 8) {
    const low = crc ^ word(bytes, at);
    crc =
      entry(table, 1792 + (low & 255)) ^
      entry(table, 1536 + ((low >>> 8) & 255)) ^
      entry(table, 1280 + ((low >>> 16) & 255)) ^
      entry(table, 1024 + (low >>> 24)) ^
      entry(table, 768 + byte(bytes, at + 4)) ^
      entry(table, 512 + byte(bytes, at + 5)) ^
      entry(table, 256 + byte(bytes, at + 6)) ^
      entry(table, byte(bytes, at + 7));
  }
  for (; at < bytes.length; at += 1) {
    crc = entry(table, (crc ^ byte(bytes, at)) & 255) ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}

/** A CRC-64/NVME in two halves, each an unsigned 32-bit number. */
export interface Crc64 {
  readonly low: number;
  readonly high: number;
}

/** Continues a CRC-64/NVME; begin with `{ low: 0, high: 0 }`. */
export function crc64nvme(bytes: Uint8Array, previous: Crc64): Crc64 {
  crc64Tables ??= makeCrc64Tables();
  const { low: lows, high: highs } = crc64Tables;
  let low = ~previous.low;
  let high = ~previous.high;
  let at = 0;
  for (const end = bytes.length - 7; at < end; at += 8) {
    const first = low ^ word(bytes, at);
    const second = high ^ word(bytes, at + 4);
    const a = 1792 + (first & 255);
    const b = 1536 + ((first >>> 8) & 255);
    const c = 1280 + ((first >>> 16) & 255);
    const d = 1024 + (first >>> 24);
    const e = 768 + (second & 255);
    const f = 512 + ((second >>> 8) & 255);
    const g = 256 + ((second >>> 16) & 255);
    const h = second >>> 24;
    low = entry(lows, a) ^ entry(lows, b) ^ entry(lows, c) ^ entry(lows, d);
    low ^= entry(lows, e) ^ entry(lows, f) ^ entry(lows, g) ^ entry(lows, h);
    high = entry(highs, a) ^ entry(highs, b) ^ entry(highs, c) ^ entry(highs, d);
    high ^= entry(highs, e) ^ entry(highs, f) ^ entry(highs, g) ^ entry(highs, h);
  }
  for (; at < bytes.length; at += 1) {
    const index = (low ^ byte(bytes, at)) & 255;
    low = ((low >>> 8) | (high << 24)) ^ entry(lows, index);
    high = (high >>> 8) ^ entry(highs, index);
  }
  return { low: ~low >>> 0, high: ~high >>> 0 };
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

function entry(table: Uint32Array, at: number): number {
  return table[at] ?? 0;
}

/** Four bytes, the first one lowest. */
function word(bytes: Uint8Array, at: number): number {
  return (
    byte(bytes, at) |
    (byte(bytes, at + 1) << 8) |
    (byte(bytes, at + 2) << 16) |
    (byte(bytes, at + 3) << 24)
  );
}

function makeCrc32cTable(): Uint32Array {
  const table = new Uint32Array(256 * SLICES);
  for (let index = 0; index < 256; index += 1) {
    let crc = index;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? CRC32C_POLYNOMIAL : 0);
    table[index] = crc;
  }
  for (let at = 256; at < table.length; at += 1) {
    const before = entry(table, at - 256);
    table[at] = entry(table, before & 255) ^ (before >>> 8);
  }
  return table;
}

function makeCrc64Tables(): { readonly low: Uint32Array; readonly high: Uint32Array } {
  const low = new Uint32Array(256 * SLICES);
  const high = new Uint32Array(256 * SLICES);
  const whole: bigint[] = [];
  for (let at = 0; at < low.length; at += 1) {
    let crc = at < 256 ? BigInt(at) : (whole[at - 256] ?? 0n);
    if (at < 256) {
      for (let bit = 0; bit < 8; bit += 1) {
        crc = (crc >> 1n) ^ (crc & 1n ? CRC64NVME_POLYNOMIAL : 0n);
      }
    } else {
      crc = (whole[Number(crc & 255n)] ?? 0n) ^ (crc >> 8n);
    }
    whole.push(crc);
    low[at] = Number(crc & 0xffff_ffffn);
    high[at] = Number(crc >> 32n);
  }
  return { low, high };
}
