/** The credential that each API wants. No caller has it: the server puts it in. */
export const CREDENTIAL = "the-customers-own-secret";
