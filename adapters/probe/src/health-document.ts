/** Reads the body of a `health-json` answer. */
import { plainDetail, type Verdict } from "./probe-target.ts";

type HealthStatus = "healthy" | "degraded" | "unhealthy";

interface Dependency {
  readonly name: string;
  readonly status: HealthStatus;
  readonly error: string | null;
}

/**
 * What a health document says: `{status, detail?, dependencies?: [{name, status, error?}]}`.
 * Other fields are ignored. Null if it is not such a document.
 */
export function readHealth(body: string): Verdict | null {
  const document = parse(body);
  const status = statusIn(document);
  if (document === null || status === null) return null;
  return { status, detail: plainDetail(describe(document, status)) };
}

/** Failing dependencies say most; the document's own words come next. */
function describe(document: Readonly<Record<string, unknown>>, status: HealthStatus): string {
  const failing = dependenciesIn(document).filter((each) => each.status !== "healthy");
  if (status !== "healthy" && failing.length > 0) {
    return failing
      .map(
        ({ name, status: state, error }) => `${name} ${state}${error === null ? "" : `: ${error}`}`,
      )
      .join("; ");
  }
  const detail = document["detail"];
  return typeof detail === "string" && detail !== "" ? detail : `says ${status}`;
}

function dependenciesIn(document: Readonly<Record<string, unknown>>): readonly Dependency[] {
  const listed: unknown = document["dependencies"];
  if (!Array.isArray(listed)) return [];
  return listed.flatMap((entry: unknown) => {
    const status = isRecord(entry) ? statusIn(entry) : null;
    if (!isRecord(entry) || status === null || typeof entry["name"] !== "string") return [];
    const error = typeof entry["error"] === "string" ? entry["error"] : null;
    return [{ name: entry["name"], status, error }];
  });
}

function statusIn(document: Readonly<Record<string, unknown>> | null): HealthStatus | null {
  const status = document?.["status"];
  return status === "healthy" || status === "degraded" || status === "unhealthy" ? status : null;
}

function parse(body: string): Readonly<Record<string, unknown>> | null {
  try {
    const parsed: unknown = JSON.parse(body);
    return isRecord(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
