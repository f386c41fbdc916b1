import type { Check } from './check.js';
import { access } from './checks/access.js';
import { bigKeys } from './checks/big-keys.js';
import { clients } from './checks/clients.js';
import { clusterSlots } from './checks/cluster-slots.js';
import { evictionPolicy } from './checks/eviction-policy.js';
import { evictions } from './checks/evictions.js';
import { expiry } from './checks/expiry.js';
import { fragmentation } from './checks/fragmentation.js';
import { hitRate } from './checks/hit-rate.js';
import { hotKeys } from './checks/hot-keys.js';
import { latency } from './checks/latency.js';
import { maxmemory } from './checks/maxmemory.js';
import { persistence } from './checks/persistence.js';
import { reachable } from './checks/reachable.js';
import { replicas } from './checks/replicas.js';
import { sentinelQuorum } from './checks/sentinel-quorum.js';
import { slowLog } from './checks/slow-log.js';
import { tls } from './checks/tls.js';
import { trackingTable } from './checks/tracking-table.js';
import { version } from './checks/version.js';

/** In the order in which they are shown. docs/guides/cli.md has each of them. */
export const ALL_CHECKS: readonly Check[] = [
  reachable,
  version,
  maxmemory,
  evictionPolicy,
  expiry,
  fragmentation,
  evictions,
  hitRate,
  persistence,
  slowLog,
  latency,
  clients,
  trackingTable,
  bigKeys,
  hotKeys,
  replicas,
  clusterSlots,
  sentinelQuorum,
  access,
  tls,
];
