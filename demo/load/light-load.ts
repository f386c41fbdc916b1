import type { SocialService } from '../social/service.js';
import { RequestSequence } from './sequence.js';

/** Milliseconds between two bursts, and the reads of one: some hundred a second, which leaves the machine to its user. */
const PAUSE = 40;
const BURST = 8;

/** Reads going on from within the process, for whoever looks at the dashboard. Nothing is edited. */
export class LightLoad {
  readonly #requests: RequestSequence;
  readonly #service: SocialService;
  readonly #timer: NodeJS.Timeout;

  constructor(users: number, service: SocialService) {
    this.#requests = new RequestSequence(users);
    this.#service = service;
    this.#timer = setInterval(() => this.#burst(), PAUSE);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #burst(): void {
    for (let i = 0; i < BURST; i++) {
      // Nobody waits for the answer; a failure is among those that the dashboard counts.
      this.#read().catch(() => undefined);
    }
  }

  async #read(): Promise<unknown> {
    const request = this.#requests.next();
    switch (request.kind) {
      case 'profile':
        return this.#service.profile(request.id);
      case 'popular':
        return this.#service.popularPosts(20);
      case 'trending':
        return this.#service.trendingUsers(20);
      default:
        return undefined;
    }
  }
}
