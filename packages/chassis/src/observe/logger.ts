/** Logs: one JSON line per event, without secrets, its level changeable while the service runs. */
import { trace } from "@opentelemetry/api";
import type { FastifyBaseLogger } from "fastify";
import {
  pino,
  stdTimeFunctions,
  type Bindings,
  type ChildLoggerOptions,
  type DestinationStream,
  type Logger,
} from "pino";
import { fieldHider } from "./hide-fields.ts";
import { textHider } from "./hide-text.ts";

export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What every line carries. Each has few values: they are what Loki should label by. */
export interface LogLabels {
  readonly service: string;
  readonly version: string;
  readonly site: string;
  readonly pod: string;
}

export interface LoggerOptions {
  readonly labels: LogLabels;
  readonly level: LogLevel;
  /** Names of personal fields of this service, beside the ones that are always hidden. */
  readonly personalFields?: readonly string[];
  /** Default: the standard output, synchronously, so that no line is lost when the process dies. */
  readonly destination?: DestinationStream;
}

const SECRET_FIELDS = [
  "password",
  "passwd",
  "secret",
  "token",
  "accessToken",
  "refreshToken",
  "apiKey",
  "authorization",
  "cookie",
  "privateKey",
  "clientSecret",
  "connectionString",
  "set-cookie",
  "x-api-key",
  "proxy-authorization",
];
const PERSONAL_FIELDS = ["email", "phone", "address", "firstName", "lastName", "cardNumber"];

/**
 * A logger that hides secrets and personal fields wherever they are in what it is given: by name in
 * fields, by what it looks like in the messages of errors (`err`) and in a `reason`.
 */
export function createLogger(options: LoggerOptions): Logger {
  const fields = [...SECRET_FIELDS, ...PERSONAL_FIELDS, ...(options.personalFields ?? [])];
  const hide = fieldHider(fields);
  const hideText = textHider(fields);
  const logger = pino(
    {
      level: options.level,
      base: { ...options.labels },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: hide },
      serializers: {
        err: (error: unknown) => describeError(error, logger, hideText),
        reason: (reason: unknown) => (typeof reason === "string" ? hideText(reason) : reason),
      },
      mixin: activeTrace,
    },
    options.destination ?? pino.destination({ sync: true }),
  );
  hideInChildren(logger, hide);
  return logger;
}

/** The bindings of children pass no formatter; every child inherits this way of making one. */
function hideInChildren(logger: Logger, hide: (object: object) => Record<string, unknown>): void {
  // oxlint-disable-next-line typescript/unbound-method -- called with the logger it is asked of
  const { child } = logger;
  logger.child = function childWithoutSecrets<Levels extends string = never>(
    this: Logger,
    bindings: Bindings,
    options?: ChildLoggerOptions<Levels>,
  ): Logger<Levels> {
    return child.call<Logger, [Bindings, ChildLoggerOptions<Levels> | undefined], Logger<Levels>>(
      this,
      hide(bindings),
      options,
    );
  };
}

/** What is needed of a logger to change its level. */
export type LeveledLogger = Pick<Logger, "level"> & Pick<FastifyBaseLogger, "warn">;

/**
 * Changes the level now, and back after `forMs`, so that nobody leaves a service in debug.
 * @param onBack - called once it is back, either way
 * @returns a function that changes it back at once
 */
export function changeLevel(
  logger: LeveledLogger,
  level: LogLevel,
  forMs: number,
  onBack: () => void = () => undefined,
): () => void {
  const before = logger.level;
  logger.level = level;
  logger.warn({ level, before, forMs }, "log level changed");
  const restore = (): void => {
    clearTimeout(timer);
    logger.level = before;
    onBack();
  };
  const timer = setTimeout(restore, forMs);
  timer.unref();
  return restore;
}

/** Lets the first `perSecond` events of each second through and counts the rest. */
export class LogSampler {
  readonly #perSecond: number;
  readonly #now: () => number;
  #second = 0;
  #seen = 0;

  /** @param perSecond - 0: everything passes */
  constructor(perSecond: number, now: () => number = Date.now) {
    this.#perSecond = perSecond;
    this.#now = now;
  }

  /**
   * Whether to log this event. Above the limit one event in a hundred passes; each stands for the
   * number answered, which belongs on its line.
   * @returns 0: do not log; 1: an event like any other; more: how many it stands for
   */
  weigh(): number {
    if (this.#perSecond === 0) return 1;
    const second = Math.floor(this.#now() / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#seen = 0;
    }
    this.#seen += 1;
    if (this.#seen <= this.#perSecond) return 1;
    return (this.#seen - this.#perSecond) % SAMPLE_ONE_IN === 0 ? SAMPLE_ONE_IN : 0;
  }
}

const SAMPLE_ONE_IN = 100;
const MESSAGE_MAX_LENGTH = 500;
const STACK_MAX_LENGTH = 8_000;

function activeTrace(): object {
  const span = trace.getActiveSpan();
  return span === undefined ? {} : { traceId: span.spanContext().traceId };
}

/**
 * Name, code and message, without what somebody sent; the stack only while somebody debugs. The
 * cause is told the same way.
 */
function describeError(
  error: unknown,
  logger: Logger,
  hideText: (text: string) => string,
): unknown {
  if (!(error instanceof Error)) return error;
  const { cause, stack = "" } = error;
  return {
    type: error.name,
    ...("code" in error && typeof error.code === "string" ? { code: error.code } : {}),
    message: hideText(error.message.slice(0, MESSAGE_MAX_LENGTH)),
    ...(logger.isLevelEnabled("debug")
      ? { stack: hideText(stack.slice(0, STACK_MAX_LENGTH)) }
      : {}),
    ...(cause === undefined ? {} : { cause: describeError(cause, logger, hideText) }),
  };
}
