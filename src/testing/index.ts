/** For tests of what uses a cache, Tiercel's and others: `import { … } from 'tiercel/testing'`. */
export { conformance } from './conformance/checks.js';
export {
  NotOffered,
  type ConformanceCache,
  type ConformanceCheck,
  type ConformanceRedis,
  type ConformanceSubject,
  type PromiseName,
} from './conformance/subject.js';
export { FaultProxy, type FaultProxyTarget, type SlowNetwork } from './fault-proxy.js';
export { FakeClock } from './fake-clock.js';
export { ChaosPort } from './chaos-port.js';
export type { PortFault, PortFaultOptions } from './port-faults.js';
export { seededRandom } from './seeded-random.js';
