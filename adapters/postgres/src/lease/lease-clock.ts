/**
 * The lease as the database keeps it: numbers in sequences.
 *
 * A row would be wrong. A transaction that began before a change goes on seeing the old row, and a
 * change that is rolled back is gone. A sequence has one value for everybody at once, keeps it
 * through a rollback, is logged for a crash, and is not replicated to the other site.
 *
 * All are microseconds since 2000, the server's own count, on the clock of this database's host.
 *
 * `lease_until`    writes are refused from here on; `NEVER_LEASED` if nothing limits them; 0 if lapsed
 * `lease_from`     when that end was installed: a clock that shows less was set back
 * `lease_server`   start of the server it was installed in: a lease does not survive a restart, nor
 *                  the move to another host, whose clock is another one
 * `promised_until` until then this site may not open, because it promised a peer
 */
import { SCHEMA } from "../object-names.ts";

/** Microseconds from 1970 to 2000. */
export const UNIX_US_OF_2000 = 946_684_800_000_000;

/** `lease_until` while no lease was installed, or after the lease was switched off. */
export const NEVER_LEASED = "9223372036854775807";

const SEQUENCES: readonly (readonly [string, string])[] = [
  ["lease_until", NEVER_LEASED],
  ["lease_from", "0"],
  ["lease_server", "0"],
  ["promised_until", "0"],
];

/** Current value, past every snapshot. Null, which nothing below takes for a lease, if never set. */
function valueOf(sequence: string): string {
  return `pg_catalog.pg_sequence_last_value('${SCHEMA}.${sequence}'::pg_catalog.regclass)`;
}

/** An operator that no search path can replace: some functions run with the caller's. */
function op(symbol: string): string {
  return `operator(pg_catalog.${symbol})`;
}

/**
 * A time as eight bytes, most significant first, which compare like the times. Numbers have the
 * same form, so the two can be compared as they are: nothing is cheaper or more exact.
 */
function bytesOf(time: string): string {
  return `pg_catalog.timestamptz_send(pg_catalog.${time})`;
}

function storedBytes(sequence: string): string {
  return `pg_catalog.int8send(${valueOf(sequence)})`;
}

export const UNTIL_US: string = valueOf("lease_until");
export const PROMISED_UNTIL_US: string = valueOf("promised_until");

/** A time as the sequences keep it. */
export function microseconds(time: string): string {
  return `((extract(epoch from pg_catalog.${time}) * 1000000)::pg_catalog.int8 - ${UNIX_US_OF_2000})`;
}

export const NOW_US: string = microseconds("clock_timestamp()");

/**
 * True if a lease lets writes pass now; null or false if not, also where nothing is limited. In a
 * form of its own because every transaction asks this first.
 */
export const IN_FORCE: string = `(${bytesOf("clock_timestamp()")} ${op("<")} ${storedBytes("lease_until")}
    and ${bytesOf("clock_timestamp()")} ${op(">=")} ${storedBytes("lease_from")}
    and ${bytesOf("pg_postmaster_start_time()")} ${op("=")} ${storedBytes("lease_server")})`;

/** True if writes are limited at all. */
export const LIMITED: string = `(${UNTIL_US} ${op("=")} ${NEVER_LEASED}) is not true`;

/** True if writes are refused now; never null. */
export const LAPSED: string = `(${IN_FORCE} is not true and ${LIMITED})`;

/** Statements of a function body that end the lease at once. */
export const LAPSE: string = `perform pg_catalog.setval('${SCHEMA}.lease_until', 0);`;

/**
 * Statements of a function body that install `new_until`, in an order in which stopping between
 * any two of them leaves nothing longer than what was granted. A first lease is the exception that
 * must not refuse a running application in between.
 */
export const INSTALL: string = `
  if ${UNTIL_US} = ${NEVER_LEASED} then
    perform pg_catalog.setval('${SCHEMA}.lease_server', server_us),
      pg_catalog.setval('${SCHEMA}.lease_from', now_us);
    perform pg_catalog.setval('${SCHEMA}.lease_until', new_until);
  else
    perform pg_catalog.setval('${SCHEMA}.lease_until', new_until);
    perform pg_catalog.setval('${SCHEMA}.lease_from', now_us);
    perform pg_catalog.setval('${SCHEMA}.lease_server', server_us);
  end if;`;

/** Makes the sequences that are missing, with nothing limited. Everybody may look at them. */
export const LEASE_SEQUENCES: readonly string[] = SEQUENCES.flatMap(([name, start]) => [
  `create sequence if not exists ${SCHEMA}.${name} minvalue 0 maxvalue ${NEVER_LEASED} start ${start}`,
  `select setval('${SCHEMA}.${name}', ${start}) from ${SCHEMA}.${name} where not is_called`,
  `grant select on sequence ${SCHEMA}.${name} to public`,
]);
