/** Tells people. Delivery is best effort and bounded; a failed notice never stops a plan. */
export interface Notice {
  readonly severity: "info" | "warning" | "critical";
  readonly title: string;
  readonly text: string;
  /** Same key, same notice: receivers may drop repeats. */
  readonly key: string;
}

export interface Notifier {
  notify(notice: Notice, signal: AbortSignal): Promise<void>;
}
