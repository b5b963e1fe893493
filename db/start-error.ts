/**
 * A failure that the operator can fix. Its message is one sentence that says what to do. The
 * command line prints it without a stack.
 */
export class StartError extends Error {
  override name = "StartError";
  /** Whether another chattera uses the data folder. */
  readonly inUse: boolean;

  constructor(sentence: string, options: { cause?: unknown; inUse?: boolean } = {}) {
    super(sentence, { cause: options.cause });
    this.inUse = options.inUse ?? false;
  }
}

/** The end of each sentence about the embedded PostgreSQL that another PostgreSQL would solve. */
export const OR_DATABASE_URL = "or set DATABASE_URL to a PostgreSQL server of your own";
