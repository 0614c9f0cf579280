export { EXIT_CODE_MEANINGS, EXIT_CODES, exitCodeOf } from "./exit-codes.ts";
export { buildProgram } from "./program.ts";
