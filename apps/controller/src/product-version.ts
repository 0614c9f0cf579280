/** The version of this release; a test keeps it equal to the one in package.json. */
export const PRODUCT_VERSION = "0.1.0";
