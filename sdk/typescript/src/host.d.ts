// What the host offers. It is there when the component runs; the compiler only needs its types.

declare module "countersign:connector/http@1.0.0" {
  const http: { send(what: import("./contract").Request): import("./contract").Response };
  export default http;
}

declare module "countersign:connector/settings@1.0.0" {
  const settings: { get(name: string): string | null };
  export default settings;
}

declare module "countersign:connector/diagnostics@1.0.0" {
  const diagnostics: {
    emit(level: import("./contract").Level, message: string, fields: [string, string][]): void;
  };
  export default diagnostics;
}
