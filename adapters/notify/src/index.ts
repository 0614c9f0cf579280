export { FanOutNotifier } from "./fan-out-notifier.ts";
export { LogNotifier, type NoticeLog } from "./log-notifier.ts";
export { WebhookNotifier, type WebhookOptions } from "./webhook-notifier.ts";
