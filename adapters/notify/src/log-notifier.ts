import type { Notice, Notifier } from "@cloudphoenix/engine";

/** Where lines go; pino and console both fit. */
export interface NoticeLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Writes each notice as one log line: critical as error, warning as warn, info as info. */
export class LogNotifier implements Notifier {
  readonly #log: NoticeLog;

  constructor(log: NoticeLog) {
    this.#log = log;
  }

  notify(notice: Notice): Promise<void> {
    const { severity, title, text, key } = notice;
    const fields = { notice: key, severity, text };
    if (severity === "critical") this.#log.error(fields, title);
    else if (severity === "warning") this.#log.warn(fields, title);
    else this.#log.info(fields, title);
    return Promise.resolve();
  }
}
