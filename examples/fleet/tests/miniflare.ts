/** The parts of Miniflare that these tests use. */
export interface Miniflare {
  getWorker(name: string): Promise<LocalWorker>;
  getD1Database(binding: string, worker: string): Promise<Database>;
  dispose(): Promise<void>;
}

export interface MiniflareModule {
  Miniflare: new (options: ConvertedOptions) => Miniflare;
  convertV4MiniflareOptions(options: Record<string, unknown>): ConvertedOptions;
}

export interface Module {
  type: "ESModule" | "Text";
  path: string;
  contents: string;
}

interface ConvertedOptions {
  workers: unknown[];
}

interface LocalWorker {
  fetch(url: string, init: { method: string; headers: Record<string, string>; body?: string }): Promise<Response>;
  scheduled(options: { scheduledTime: Date }): Promise<{ outcome: string }>;
}

interface Database {
  prepare(statement: string): { run(): Promise<unknown>; all(): Promise<{ results: unknown[] }> };
}
