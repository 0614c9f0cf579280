/** A controller that answers what a test says, and the command line pointed at it. */
import { writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { GlobalOptions } from "../src/command-context.ts";
import { Terminal } from "../src/terminal.ts";
import { buildProgram } from "../src/program.ts";
import type { ExitCode } from "../src/exit-codes.ts";

/** What to answer to `METHOD /path`; text is sent as it is. */
export type Answers = Readonly<
  Record<string, { readonly status?: number; readonly body: unknown }>
>;

export interface PretendedApi {
  /** `METHOD /path` with the body, in order. */
  readonly asked: { readonly what: string; readonly body: unknown }[];
  /** Runs one command and answers with its exit code. */
  readonly run: (...args: readonly string[]) => Promise<ExitCode>;
  /** The same without an address: what runs on this machine is meant. */
  readonly runHere: (...args: readonly string[]) => Promise<ExitCode>;
  readonly close: () => Promise<void>;
}

/** @param scratch - folder for the token */
export async function pretendedApi(scratch: string, answers: Answers): Promise<PretendedApi> {
  const asked: { what: string; body: unknown }[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(request);
    const what = `${request.method ?? ""} ${request.url ?? ""}`;
    asked.push({ what, body });
    const found = answers[what] ?? { status: 404, body: { code: "NOT_FOUND", detail: what } };
    response.statusCode = found.status ?? 200;
    response.end(typeof found.body === "string" ? found.body : JSON.stringify(found.body));
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const tokenFile = join(scratch, "token");
  writeFileSync(tokenFile, "secret");
  return {
    asked,
    run: (...args) =>
      runCommand(["--url", `http://127.0.0.1:${port}`, "--token-file", tokenFile, ...args]),
    runHere: (...args) => runCommand(args),
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

async function runCommand(args: readonly string[]): Promise<ExitCode> {
  let code: ExitCode | undefined;
  const terminal = new Terminal({
    json: true,
    quiet: true,
    colour: false,
    logLevel: "error",
    logFile: undefined,
  });
  const program = buildProgram({
    async invoke(command, work) {
      try {
        const options = command.optsWithGlobals<GlobalOptions>();
        code = await work({ terminal, options, signal: AbortSignal.timeout(10_000) });
      } catch (error) {
        code = terminal.fail(error);
      }
    },
  });
  await program.parseAsync([...args], { from: "user" });
  if (code === undefined) throw new Error("the command did nothing");
  return code;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text === "" ? null : JSON.parse(text);
}
