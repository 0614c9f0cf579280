/** A URL that is a key: whoever has it may read. It shows itself in no log, message or document. */
export class SecretUrl {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** The URL itself, for the request that needs it and for nothing else. */
  reveal(): string {
    return this.#url;
  }

  toString(): string {
    return "[secret URL]";
  }

  toJSON(): string {
    return this.toString();
  }
}
