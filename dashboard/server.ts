/** What the page asks its server. Every path is relative to the page, wherever that is mounted. */

export interface Session {
  readonly actions: boolean;
  /** Whether there is a session to end. */
  readonly login: boolean;
  readonly csrf: string;
}

/** What the server answers in place of what was asked for; its message is for people. */
class AnswerError extends Error {}

type Query = Readonly<Record<string, string>>;

export function ask<T>(name: string, query: Query = {}): Promise<T> {
  return call<T>(`api/${name}?${String(new URLSearchParams(query))}`, {});
}

export async function act(session: Session, action: string, query: Query): Promise<string> {
  const { message } = await call<{ message: string }>(
    `api/actions/${action}?${String(new URLSearchParams(query))}`,
    { method: 'POST', headers: { 'x-tiercel-csrf': session.csrf } },
  );
  return message;
}

export async function logOut(): Promise<void> {
  await call('api/logout', { method: 'POST' });
  location.reload();
}

async function call<T>(path: string, init: RequestInit): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, init);
  } catch {
    throw new AnswerError('The server cannot be reached.');
  }
  const body = (await answer.json().catch(() => ({}))) as T & { error?: string };
  if (!answer.ok) throw new AnswerError(body.error ?? `The server answered with status ${answer.status}.`);
  return body;
}
