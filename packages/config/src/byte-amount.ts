/** Amounts of bytes as people write them: `500KB`, `64MiB`, `1.5GiB`. */

const UNIT_BYTES: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KIB: 1024,
  MIB: 1024 ** 2,
  GIB: 1024 ** 3,
};

const AMOUNT = /^(?<amount>\d+(?:\.\d+)?) ?(?<unit>[a-zA-Z]*)$/;

/** Bytes of a written amount, 1 or more; null if it is not one. */
export function parseBytes(text: string): number | null {
  const { amount, unit } = AMOUNT.exec(text)?.groups ?? {};
  const unitBytes = UNIT_BYTES[unit?.toUpperCase() ?? "-"];
  const bytes = Math.round(Number(amount) * (unitBytes ?? Number.NaN));
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : null;
}
