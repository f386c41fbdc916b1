import { describe, expect, it } from 'vitest';
import { defectOf } from '../../../demo/load/shape.js';

const profile = {
  id: 5,
  username: 'user5',
  memberSince: '2025-01-01T00:00:00.000Z',
  displayName: 'Ada Abe',
  bio: 'small world',
  location: 'Oslo',
  followers: 0,
  posts: 3,
  reviews: 0,
  rating: null,
};

const askProfile = { kind: 'profile', id: 5 } as const;

describe('defectOf', () => {
  it('finds nothing wrong with right answers', () => {
    expect(defectOf(askProfile, 200, JSON.stringify(profile))).toBeUndefined();
    expect(defectOf({ kind: 'edit', id: 5, bio: '' }, 200, '{"id":5}')).toBeUndefined();
    expect(defectOf({ kind: 'trending' }, 200, '[{"id":1,"newFollowers":2}]')).toBeUndefined();
    expect(defectOf({ kind: 'popular' }, 200, '[{"id":1,"body":"","likes":0,"comments":0}]')).toBeUndefined();
  });

  it('finds a view that was not counted', () => {
    expect(defectOf({ kind: 'view', id: 7 }, 200, '{"id":7,"views":3}')).toBeUndefined();
    expect(defectOf({ kind: 'view', id: 7 }, 200, '{"id":7,"views":0}')).toContain('view');
    expect(defectOf({ kind: 'view', id: 7 }, 200, '{"id":8,"views":3}')).toContain('view');
  });

  it('finds the profile of somebody else', () => {
    expect(defectOf(askProfile, 200, JSON.stringify({ ...profile, id: 6 }))).toContain('profile');
  });

  it('finds a profile that lacks a figure', () => {
    expect(defectOf(askProfile, 200, JSON.stringify({ ...profile, followers: undefined }))).toContain(
      'profile',
    );
  });

  it('finds a list that is empty or of something else', () => {
    expect(defectOf({ kind: 'popular' }, 200, '[]')).toContain('popular');
    expect(defectOf({ kind: 'trending' }, 200, '[{"id":1}]')).toContain('trending');
  });

  it('finds a failure, and says what the server said', () => {
    expect(defectOf(askProfile, 500, '{"error":"broken"}')).toContain('broken');
  });
});
