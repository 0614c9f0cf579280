import manifest from "../package.json" with { type: "json" };

/** The version in the manifest; all packages share it. */
export const PRODUCT_VERSION: string = manifest.version;
