/** The sabotages, one sentence each: what was taken away, and which invariant should notice. */

/** Every sabotage `simulate({ sabotages })` understands. */
export const MUTANTS: Readonly<Record<string, string>> = {
  "no-lease-wait": "the fence by lease does not wait for the lease to run out",
  "wait-too-short": "the fence by lease waits a renewal less than it must",
  "seal-not-stored": "the lease is sealed in the controller's mind only",
  "grant-without-seal": "the lease is handed over without ever being taken away",
  "lease-from-late-clock": "the end of the lease is counted from a clock read after the grant",
  "renew-on-silence": "an agent takes a silent witness for a grant",
  "promise-not-recorded": "a peer promises to stay closed and does not write it down",
  "extend-without-role-check": "a database takes a lease whatever its role and epoch",
  "no-check-at-commit": "a transaction that began in time may commit after the lease has run out",
  "no-ack-fence": "a service acknowledges however long the answer took",
  "ignore-generation": "databases, platforms, network and traffic obey older generations",
  "network-fence-suffices": "closing the ways in counts as a fence",
  "promote-before-fence": "the plan fences last, after writes were opened",
  "weak-fence-not-asked": "a fence that proves nothing is accepted without asking people",
  "loss-not-asked": "an unknown or too large loss is accepted without asking people",
  "stale-looks-fresh": "a standby that fell behind is taken for one that keeps up",
  "no-drain": "a planned move does not wait for the standby to have everything",
  "lsn-as-text": "positions of the log are compared as text",
  "unknown-counts-as-bad": "what nobody answered counts as bad",
  "one-witness-for-all": "what one vantage sees counts for every other",
  "blindness-ignored": "a vantage that cannot see its canaries is believed",
  "no-evidence-asked": "no failure domain has to agree",
  "no-coverage-asked": "decisions are made whatever is not known",
  "no-hysteresis": "a score counts at once",
  "no-cooldown": "moves may follow each other at once",
};

