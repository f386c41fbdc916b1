import type { PreloadFrame } from '../../src/dashboard/frame.js';
import { clock, count, time } from '../format.js';
import { ActionButton } from './operate.jsx';
import { Table } from './table.jsx';

const COLUMNS = [
  { name: 'Pattern' },
  { name: 'State' },
  { name: 'Entries', number: true },
  { name: 'Runs', number: true },
  { name: 'Failed', number: true },
  { name: 'Took', number: true },
  { name: 'Next', number: true },
  { name: '' },
];

export function Preloads({ preloads }: { preloads: readonly PreloadFrame[] }) {
  return (
    <section class="card" aria-labelledby="preloads">
      <h2 id="preloads">Preloading</h2>
      {preloads.length === 0 ? (
        <p class="empty">Nothing is preloaded into this cache.</p>
      ) : (
        <Table label="Preload patterns" columns={COLUMNS}>
          {preloads.map((preload) => (
            <tr key={`${preload.preloader} ${preload.name}`} data-pattern={preload.name}>
              <th scope="row" class="key">
                {preload.name}
                {preload.lastError !== undefined && <span class="error">{preload.lastError}</span>}
              </th>
              <td>{preload.state === 'elsewhere' ? 'in another process' : preload.state}</td>
              <td class="number">
                {preload.state === 'running' && preload.total !== undefined && (
                  <progress
                    max={preload.total}
                    value={preload.written}
                    aria-label={`Progress of ${preload.name}`}
                  />
                )}{' '}
                {count(preload.written)}
                {preload.total !== undefined && ` of ${count(preload.total)}`}
              </td>
              <td class="number">{count(preload.runs)}</td>
              <td class={preload.failures > 0 ? 'number bad-text' : 'number'}>{count(preload.failures)}</td>
              <td class="number">{time(preload.lastDuration)}</td>
              <td class="number">{preload.nextTurnAt === undefined ? '–' : clock(preload.nextTurnAt)}</td>
              <td class="actions">
                <ActionButton
                  action="preload"
                  query={{ preloader: String(preload.preloader), pattern: preload.name }}
                  label={`Run now: ${preload.name}`}
                >
                  Run now
                </ActionButton>
              </td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}
