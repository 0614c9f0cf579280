/**
 * What fulfilling means in this shop: the items of an order are packed into parcels.
 *
 * Pure, so that a repeated attempt, here or at the site that took over, makes the same parcels. A
 * shop that calls a carrier does it here and passes the parcel's label as the idempotency key.
 */
import { type OrderItem, type Parcel, type TakenOrder, UnfulfillableError } from "./order.ts";

/** Pieces that fit into one parcel. */
const PARCEL_PIECES = 50;
/** An order of more needs a lorry and a person who plans it. */
const PARCELS_MAX = 20;

/** @throws {UnfulfillableError} if it is too large to be packed here */
export function packOrder(order: TakenOrder): readonly Parcel[] {
  const pieces = order.items.reduce((sum, { quantity }) => sum + quantity, 0);
  if (pieces > PARCEL_PIECES * PARCELS_MAX) {
    throw new UnfulfillableError(
      `${pieces} pieces do not fit into ${PARCELS_MAX} parcels of ${PARCEL_PIECES}`,
    );
  }
  const loads: OrderItem[][] = [];
  let freePieces = 0;
  for (const { sku, quantity } of order.items) {
    for (let left = quantity; left > 0; ) {
      if (freePieces === 0) {
        loads.push([]);
        freePieces = PARCEL_PIECES;
      }
      const packed = Math.min(left, freePieces);
      loads.at(-1)?.push({ sku, quantity: packed });
      left -= packed;
      freePieces -= packed;
    }
  }
  return loads.map((items, index) => ({ label: `${order.number}/${index + 1}`, items }));
}
