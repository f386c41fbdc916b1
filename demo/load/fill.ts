import type { ProgressReport } from '../terminal/progress.js';
import type { SocialService } from '../social/service.js';

/** How many profiles are loaded at a time: enough to keep the database busy. */
const atOnce = 10;

/**
 * Reads every profile once. That is the state of a cache that has been up for a while: at the rate at which the
 * load then reads, even the least known user's profile is read many times within its 15 minutes.
 */
export async function readEveryProfile(
  users: number,
  service: SocialService,
  progress: ProgressReport,
): Promise<void> {
  progress.start(users);
  progress.stage('profiles');
  let next = 1;
  const reader = async (): Promise<void> => {
    while (next <= users) {
      await service.profile(next++);
      progress.advance(1);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, reader));
  progress.stop();
}
