/** Failures this service has beside those of every service. */
import { type ErrorKind, NotFoundError, ServiceError } from "@cloudphoenix/chassis";

const ORDER_NOT_FOUND: ErrorKind = {
  code: "ORDER_NOT_FOUND",
  status: 404,
  title: "No such order",
  retryable: false,
};

const ORDER_NOT_CANCELLABLE: ErrorKind = {
  code: "ORDER_NOT_CANCELLABLE",
  status: 409,
  title: "The order cannot be cancelled any more",
  retryable: false,
};

const DURABILITY_UNKNOWN: ErrorKind = {
  code: "DURABILITY_UNKNOWN",
  status: 504,
  title: "The order is not known to be safe yet",
  retryable: true,
};

/** There is no such order at this site. */
export function orderNotFound(): ServiceError {
  return new NotFoundError("There is no such order here.", ORDER_NOT_FOUND);
}

/** @param status - what the order is instead of waiting */
export function orderNotCancellable(status: string): ServiceError {
  return new ServiceError(ORDER_NOT_CANCELLABLE, `The order is ${status.replace("_", " ")}.`);
}

/** The write is committed here, but nobody can say that it would survive the loss of this site. */
export function durabilityUnknown(cause?: unknown): ServiceError {
  return new ServiceError(
    DURABILITY_UNKNOWN,
    "The order is stored here but not yet at the standby; retry with the same idempotency key.",
    { cause, outcome: "unknown" },
  );
}
