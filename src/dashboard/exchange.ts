/** A request as the dashboard needs it, whatever server it came through. */
export interface DashboardRequest {
  readonly method: string;
  /** The path that was asked for as the browser knows it, and what it is mounted at where the framework tells. */
  readonly path: string;
  readonly mount: string | undefined;
  readonly query: URLSearchParams;
  /** @param name - in lower case. */
  header(name: string): string | undefined;
  /** The address of the other end of the connection, where that is known. */
  readonly remote: string | undefined;
  readonly encrypted: boolean;
}

export interface DashboardAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | ReadableStream<Uint8Array>;
}

/** An answer that is not the one hoped for; its message is for the visitor. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Figures may concern people, and are old in a second: nothing on the way keeps them. */
export function json(body: unknown, status = 200, headers: Record<string, string> = {}): DashboardAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(body),
  };
}

/**
 * Nothing but what the dashboard itself brings may run or be asked, and nobody may put it into a frame. There is no inline script
 * and no inline style that would need an exception.
 */
export const SAFETY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
};
