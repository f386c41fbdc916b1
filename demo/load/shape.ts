import type { LoadRequest } from './sequence.js';

/**
 * What is wrong with an answer, or undefined. A fast run that answers something else than what was asked for
 * proves nothing, so every answer is looked at.
 */
export function defectOf(request: LoadRequest, status: number, text: string): string | undefined {
  if (status !== 200) return `${request.kind}: status ${status}, ${text.slice(0, 200)}`;
  const body: unknown = JSON.parse(text);
  const right =
    request.kind === 'profile'
      ? isProfile(body) && body['id'] === request.id
      : request.kind === 'edit' || request.kind === 'view'
        ? isRecord(body) && body['id'] === request.id && (request.kind === 'edit' || isCount(body['views']))
        : Array.isArray(body) &&
          body.length > 0 &&
          body.every(request.kind === 'popular' ? isPost : isTrending);
  return right ? undefined : `${request.kind}: unexpected answer, ${text.slice(0, 200)}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isProfile(value: unknown): value is Record<string, unknown> {
  return (
    isRecord(value) &&
    typeof value['username'] === 'string' &&
    typeof value['memberSince'] === 'string' &&
    typeof value['displayName'] === 'string' &&
    typeof value['bio'] === 'string' &&
    Number.isInteger(value['followers']) &&
    Number.isInteger(value['posts']) &&
    Number.isInteger(value['reviews']) &&
    (value['rating'] === null || typeof value['rating'] === 'number')
  );
}

/** Whoever views a post is one of its viewers. */
function isCount(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) > 0;
}

function isPost(value: unknown): boolean {
  return (
    isRecord(value) &&
    Number.isInteger(value['id']) &&
    typeof value['body'] === 'string' &&
    Number.isInteger(value['likes']) &&
    Number.isInteger(value['comments'])
  );
}

function isTrending(value: unknown): boolean {
  return isRecord(value) && Number.isInteger(value['id']) && Number.isInteger(value['newFollowers']);
}
