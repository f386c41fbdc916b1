import { Random } from '../random.js';
import { dataSeed } from './size.js';

/**
 * Who is well known. The most followed user is also the one whose profile is read most, so the generator of
 * the data and the load share this order.
 *
 * @returns the user ids, the best known first.
 */
export function usersByFame(users: number): Int32Array {
  return new Random(dataSeed, 1).permutation(users).map((index) => index + 1);
}
