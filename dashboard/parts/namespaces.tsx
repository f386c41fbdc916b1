import { useState } from 'preact/hooks';
import type { DashboardFrame } from '../../src/dashboard/frame.js';
import type { MemoryReport } from '../../src/report/memory-report.js';
import { hitRatio, loadsSaved, readsOf } from '../figures.js';
import { count, percent } from '../format.js';
import { ask } from '../server.js';
import { MemoryFigures } from './memory-figures.jsx';
import { ActionButton } from './operate.jsx';
import { Table } from './table.jsx';

const COLUMNS = [
  { name: 'Namespace' },
  ...['Reads', 'Hits', 'Stale', 'Loads', 'Saved', 'Sets', 'Deletes', 'Errors'].map((name) => ({
    name,
    number: true,
  })),
  { name: '' },
];

interface Asked {
  readonly namespace: string;
  readonly report?: MemoryReport;
  readonly error?: string;
}

export function Namespaces({ frame }: { frame: DashboardFrame }) {
  const [asked, setAsked] = useState<Asked>();
  const look = (namespace: string): void => {
    setAsked({ namespace });
    ask<MemoryReport>('memory', { namespace }).then(
      (report) => setAsked({ namespace, report }),
      (error: Error) => setAsked({ namespace, error: error.message }),
    );
  };
  return (
    <section class="card" aria-labelledby="namespaces">
      <h2 id="namespaces">Namespaces</h2>
      <Table label="Counts by namespace" columns={COLUMNS}>
        {Object.entries(frame.snapshot.namespaces).map(([name, counts]) => (
          <tr key={name} data-namespace={name}>
            <th scope="row" class="key">
              {name === '' ? '(bare keys)' : name}
            </th>
            <td class="number" data-of="reads">
              {count(readsOf(counts))}
            </td>
            <td class="number">{percent(hitRatio(counts))}</td>
            <td class="number">{count(counts.staleServes)}</td>
            <td class="number" data-of="loads">
              {count(counts.loads)}
            </td>
            <td class="number">{count(loadsSaved(counts))}</td>
            <td class="number" data-of="sets">
              {count(counts.sets)}
            </td>
            <td class="number">{count(counts.deletes)}</td>
            <td class={counts.errors > 0 ? 'number bad-text' : 'number'}>{count(counts.errors)}</td>
            <td class="actions">
              {frame.namespaces.includes(name) && (
                <>
                  {frame.snapshot.redis && (
                    <button aria-label={`Memory of ${name} in Redis`} onClick={() => look(name)}>
                      Memory
                    </button>
                  )}
                  <ActionButton
                    action="clear"
                    query={{ namespace: name }}
                    label={`Clear ${name}`}
                    sure={`Remove all entries of ${name}, for all processes? They will be loaded again.`}
                  >
                    Clear
                  </ActionButton>
                </>
              )}
            </td>
          </tr>
        ))}
      </Table>
      <div aria-live="polite">
        {asked && (
          <div class="panel" data-testid="memory-report">
            <h3>
              {asked.namespace} in Redis <button onClick={() => setAsked(undefined)}>Close</button>
            </h3>
            {asked.error !== undefined && <p class="error">{asked.error}</p>}
            {asked.report && <MemoryFigures report={asked.report} />}
            {asked.report === undefined && asked.error === undefined && (
              <p class="empty">Looking at up to 5,000 keys, for 5 s at most.</p>
            )}
          </div>
        )}
      </div>
    </section>
  );
}
