/**
 * The CRC of two pieces from the CRCs of each, without the bytes: what S3 does to tell the checksum
 * of a whole object that arrived in parts.
 *
 * A CRC is a remainder of polynomials over GF(2). Appending n bytes multiplies the first remainder
 * by x^(8n); the sum (xor) with the second one is the answer. Numbers are reflected: the highest
 * bit is x^0.
 */

/** A reflected CRC whose initial value and final xor are all ones. */
export interface CrcField {
  readonly bits: bigint;
  readonly polynomial: bigint;
}

/** Powers of x already computed, by length: parts of one upload are nearly all the same size. */
export type PowerCache = Map<number, bigint>;

/** CRC of the concatenation. `secondBytes` is the length of the second piece. */
export function combineCrc(
  field: CrcField,
  first: bigint,
  second: { readonly crc: bigint; readonly bytes: number },
  powers: PowerCache,
): bigint {
  let power = powers.get(second.bytes);
  if (power === undefined) {
    power = powerOfX(field, BigInt(second.bytes) * 8n);
    powers.set(second.bytes, power);
  }
  return multiply(field, first, power) ^ second.crc;
}

/** x^n modulo the polynomial. */
function powerOfX(field: CrcField, n: bigint): bigint {
  let result = 1n << (field.bits - 1n);
  let square = 1n << (field.bits - 2n);
  for (let rest = n; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = multiply(field, result, square);
    square = multiply(field, square, square);
  }
  return result;
}

function multiply(field: CrcField, a: bigint, b: bigint): bigint {
  let product = 0n;
  let shifted = b;
  for (let bit = 1n << (field.bits - 1n); bit > 0n; bit >>= 1n) {
    if (a & bit) product ^= shifted;
    shifted = shifted & 1n ? (shifted >> 1n) ^ field.polynomial : shifted >> 1n;
  }
  return product;
}
