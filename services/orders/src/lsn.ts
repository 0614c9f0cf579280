/**
 * Positions in PostgreSQL's write-ahead log. Always BigInt: they pass 2^53.
 * @see https://www.postgresql.org/docs/current/datatype-pg-lsn.html
 */

/** @param text - as the server prints it, for instance `16/B374D848` */
export function parseLsn(text: string): bigint {
  const match = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i.exec(text);
  if (match === null) throw new RangeError(`not a log position: ${text}`);
  return (BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`);
}

const PAGE_BYTES = 8192n;
const PAGE_HEADER_BYTES = 24n;

/**
 * The end of the last record before an insert position.
 *
 * When a record ends exactly at the end of a page, the insert position lies behind the next page's
 * header, while a standby reports the page's end: it would trail by the header until something
 * else is written, and a waiter on an idle server would wait in vain.
 */
export function endOfRecord(insertLsn: bigint): bigint {
  return insertLsn % PAGE_BYTES === PAGE_HEADER_BYTES ? insertLsn - PAGE_HEADER_BYTES : insertLsn;
}
