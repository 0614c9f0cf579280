/** Who may sign. */
export interface LocalCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** If set, every request must carry it, as with temporary credentials. */
  readonly sessionToken?: string;
}
