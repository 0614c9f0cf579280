const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  m: 0.001,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

/** A Kubernetes quantity as a number; `NaN`, which is enough for nothing, if it is none. */
export function quantity(written: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(m|Ki|Mi|Gi|)$/.exec(written) ?? [];
  return digits === undefined ? Number.NaN : Number(digits) * (UNITS[unit ?? ""] ?? Number.NaN);
}
