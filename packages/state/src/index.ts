/** What controllers and workers must say alike when they open the state database. */
export { firstRoles } from "./first-roles.ts";
export { type StateAddress, stateAddress } from "./state-address.ts";
