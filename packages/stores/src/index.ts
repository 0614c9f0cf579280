export {
  type BlobAddress,
  type ObjectAddress,
  parseObjectAddress,
  type S3Address,
} from "./object-address.ts";
export { type OpenHints, openHints } from "./open-hints.ts";
export { type OpenPlace, openPlace } from "./open-place.ts";
export { type OpenSiteStore, openSiteStore, type SiteStoreSettings } from "./open-site-store.ts";
export type { Environment } from "./store-keys.ts";
