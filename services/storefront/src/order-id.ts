/** Which order a path speaks of. */
import { NotFoundError } from "@cloudphoenix/chassis";

/** A route whose path names an order. */
export interface OfOrder {
  readonly Params: { readonly id: string };
}

const ORDER_ID = /^[1-9]\d{0,18}$/;

/** @throws {NotFoundError} if there can be no such order */
export function orderId({ id }: OfOrder["Params"]): string {
  if (ORDER_ID.test(id)) return id;
  throw new NotFoundError("There is no such order.");
}
