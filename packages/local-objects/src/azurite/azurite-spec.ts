/** What the process that becomes Azurite is told on its standard input. */
export interface AzuriteSpec {
  /** Null for memory. */
  readonly directory: string | null;
  readonly blobPort: number;
  /** Null for no Queue service. */
  readonly queuePort: number | null;
  /** Queue of the Queue service that gets an event of every change; null for none. */
  readonly eventQueue: string | null;
  readonly accountName: string;
  readonly accountKey: string;
}

/** Its command line: nothing secret. */
export function azuriteArguments({
  directory,
  blobPort,
  queuePort,
}: AzuriteSpec): readonly string[] {
  const host = "127.0.0.1";
  return [
    "--silent",
    "--disableTelemetry",
    // Its list of API versions ends with the day it was made; clients are often newer.
    "--skipApiVersionCheck",
    ...(directory === null ? ["--inMemoryPersistence"] : ["--location", directory]),
    "--blobHost",
    host,
    "--blobPort",
    String(blobPort),
    ...(queuePort === null ? [] : ["--queueHost", host, "--queuePort", String(queuePort)]),
    // The Table service comes along with the Queue service, unused.
    ...(queuePort === null ? [] : ["--tableHost", host, "--tablePort", "0"]),
  ];
}
