// Write a countersign connector in TypeScript: one object, thrown failures, no global magic.

export * from "./connector";
export * from "./contract";
export * from "./delivery";
export * from "./failure";
export * from "./http";
export * from "./value";
