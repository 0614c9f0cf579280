/** The front page, and the form on it. */
import { Deadline, retryAfterSeconds } from "@cloudphoenix/chassis";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { plannedFailure, statusFor } from "./failure-pages.ts";
import { draftOf, newForm, type OrderForm, sentForm } from "./order-form.ts";
import { callerOf, type PageParts, sendPage, servingNow } from "./page-parts.ts";
import { homePage } from "./pages/home-page.ts";
import { requireSameOrigin } from "./same-origin.ts";

const ORDERS_SHOWN = 10;
/** The page does not wait longer for what only stands below the form. */
const LIST_WAIT_MS = 1_500;
const CURSOR = /^[A-Za-z0-9_-]{1,64}$/;

const MISTAKES = "Please look at the fields that are marked.";
const KEPT =
  "New orders are not taken at this moment. Yours is kept in the form: send it again in a few seconds; it will be placed once.";

export function addHomeRoutes(app: FastifyInstance, parts: PageParts): void {
  const { orders } = parts;

  app.get<{ Querystring: { readonly after?: unknown } }>("/", (request, reply) => {
    const { after } = request.query;
    const cursor = typeof after === "string" && CURSOR.test(after) ? after : null;
    return sendHome(parts, request, reply, { form: newForm(), notice: null, after: cursor });
  });

  app.post<{ Body: URLSearchParams }>("/orders", async (request, reply) => {
    requireSameOrigin(request);
    const form = sentForm(request.body);
    const wish = draftOf(form);
    if ("form" in wish) {
      const shown = { form: wish.form, notice: MISTAKES, after: null };
      return sendHome(parts, request, reply.code(422), shown);
    }
    try {
      const order = await orders.place(form.key, wish.draft, callerOf(request));
      return await reply.redirect(`/orders/${order.id}`, 303);
    } catch (error) {
      const failure = plannedFailure(error);
      const wait = retryAfterSeconds(failure);
      if (wait === null) throw error;
      // The same key goes out with the form again: whatever became of this attempt, one order.
      request.problem = failure;
      reply.code(statusFor(failure, request)).header("retry-after", String(wait));
      return sendHome(parts, request, reply, { form, notice: KEPT, after: null });
    }
  });
}

/** What the front page shows beside what it asks for. */
interface Shown {
  readonly form: OrderForm;
  readonly notice: string | null;
  /** Where its list of orders begins; null: the newest. */
  readonly after: string | null;
}

async function sendHome(
  parts: PageParts,
  request: FastifyRequest,
  reply: FastifyReply,
  { form, notice, after }: Shown,
): Promise<FastifyReply> {
  const { orders, assets } = parts;
  const deadline = Deadline.after(Math.min(LIST_WAIT_MS, request.deadline.remainingMs()));
  const listing = orders.orders(after, ORDERS_SHOWN, { ...callerOf(request), deadline });
  const [serving, page] = await Promise.all([servingNow(parts), listing.catch(() => null)]);
  deadline.release();
  return sendPage(reply, assets, {
    title: "Orders",
    content: homePage({ form, serving, page, notice }),
  });
}
