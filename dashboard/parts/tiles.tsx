import type { DashboardFrame } from '../../src/dashboard/frame.js';
import { fraction, hitRatio, loadsSaved, memoryHitRatio, readsOf, redisHitRatio } from '../figures.js';
import { bytes, count, percent, rate, time } from '../format.js';

/** The few figures that tell whether the cache is worth its keep, over the last minute. */
export function Tiles({ snapshot }: { snapshot: DashboardFrame['snapshot'] }) {
  const minute = snapshot.windows.find(({ seconds }) => seconds === 60);
  const rates = minute?.perSecond ?? snapshot.counters;
  const { counters, memory } = snapshot;
  const saved = loadsSaved(counters);
  const lag = snapshot.coherence?.lag;
  return (
    <dl class="tiles">
      <Tile name="Hit ratio, last minute" value={percent(hitRatio(rates))} id="hit-ratio">
        {percent(hitRatio(counters))} since the start
      </Tile>
      <Tile name="Reads a second" value={rate(readsOf(rates))} id="reads-rate">
        <span data-testid="reads">{count(readsOf(counters))}</span> in all
      </Tile>
      <Tile name="Loads a second" value={rate(rates.loads)} id="loads-rate">
        <span data-testid="loads">{count(counters.loads)}</span> in all, {count(counters.loadFailures)} failed
      </Tile>
      <Tile name="Loads saved" value={count(saved)} id="saved">
        {percent(fraction(saved, saved + counters.loads))} of all there would be
      </Tile>
      {memory && (
        <Tile name="Memory hit ratio" value={percent(memoryHitRatio(rates))} id="memory-ratio">
          {snapshot.redis && <>Redis: {percent(redisHitRatio(rates))} of the rest</>}
        </Tile>
      )}
      {memory && (
        <Tile name="Memory of the process" value={bytes(memory.bytes)} id="memory-bytes">
          <meter aria-label="Share of memory in use" min={0} max={memory.maxBytes} value={memory.bytes} />
          of {bytes(memory.maxBytes)}; {count(memory.entries)} entries, {count(memory.evictions)} evicted
        </Tile>
      )}
      {lag && lag.count > 0 && (
        <Tile name="Heard of changes within" value={time(lag.p99)} id="coherence-lag">
          99 times in 100; {time(lag.max)} at worst
        </Tile>
      )}
    </dl>
  );
}

function Tile(props: { name: string; value: string; id: string; children?: preact.ComponentChildren }) {
  return (
    <div class="card tile">
      <dt>{props.name}</dt>
      <dd class="figure" data-testid={props.id}>
        {props.value}
      </dd>
      <dd class="quiet">{props.children}</dd>
    </div>
  );
}
