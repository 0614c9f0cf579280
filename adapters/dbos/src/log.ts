/** Where this adapter says what happens to it. Never receives a secret. */
export type Log = (level: "debug" | "info" | "warn" | "error", message: string) => void;
