import { useEffect, useState } from 'preact/hooks';
import type { LetterFrame } from '../../src/dashboard/actions.js';
import type { QueueFrame } from '../../src/dashboard/frame.js';
import { clock, count, time } from '../format.js';
import { ask } from '../server.js';
import { ActionButton } from './operate.jsx';
import { Table } from './table.jsx';

const COLUMNS = [
  { name: 'Resource' },
  { name: 'Pending', number: true },
  { name: 'Oldest', number: true },
  { name: 'Failing', number: true },
  { name: 'Dead letters', number: true },
  { name: '' },
];

export function Queues({
  queues,
  named,
}: {
  queues: readonly QueueFrame[];
  named: Readonly<Record<string, number>>;
}) {
  const [open, setOpen] = useState<QueueFrame>();
  const shown = queues.find(({ name, namespace }) => name === open?.name && namespace === open.namespace);
  return (
    <section class="card" aria-labelledby="queues">
      <h2 id="queues">Write-behind</h2>
      {queues.length === 0 ? (
        <p class="empty">No resource of this cache is written behind.</p>
      ) : (
        <>
          <p class="quiet">
            {count(named['write_behind.acknowledged'] ?? 0)} writes acknowledged by this process,{' '}
            {count(named['write_behind.applied'] ?? 0)} brought to the database,{' '}
            {count(named['write_behind.dead'] ?? 0)} given up.
          </p>
          <Table label="Queues of writes" columns={COLUMNS}>
            {queues.map((queue) => (
              <tr key={`${queue.namespace} ${queue.name}`} data-queue={queue.name}>
                <th scope="row" class="key">
                  {queue.name} <span class="quiet">{queue.namespace}</span>
                </th>
                <td class="number">{count(queue.pending)}</td>
                <td class="number">{time(queue.oldestAge)}</td>
                <td class="number">{count(queue.failing)}</td>
                <td class={queue.dead ? 'number bad-text' : 'number'}>{count(queue.dead)}</td>
                <td class="actions">
                  {queue.dead !== undefined && queue.dead > 0 && (
                    <button
                      aria-expanded={queue.name === open?.name}
                      aria-label={`Look at the dead letters of ${queue.name}`}
                      onClick={() => setOpen(queue)}
                    >
                      Look
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </Table>
          {shown && <Letters queue={shown} onClose={() => setOpen(undefined)} />}
        </>
      )}
    </section>
  );
}

function Letters({ queue, onClose }: { queue: QueueFrame; onClose: () => void }) {
  const { namespace, name } = queue;
  const [letters, setLetters] = useState<readonly LetterFrame[]>();
  const [error, setError] = useState<string>();
  const look = (): void => {
    ask<LetterFrame[]>('dead-letters', { namespace, queue: name }).then(setLetters, (cause: Error) =>
      setError(cause.message),
    );
  };
  useEffect(look, [namespace, name, queue.dead]);
  return (
    <div class="panel" data-testid="letters">
      <h3>
        Dead letters of {name}{' '}
        <ActionButton action="replay-all" query={{ namespace, queue: name }} onDone={look}>
          Replay all
        </ActionButton>{' '}
        <button onClick={onClose}>Close</button>
      </h3>
      {error !== undefined && <p class="error">{error}</p>}
      {letters?.length === 0 && <p class="empty">None.</p>}
      {letters && letters.length > 0 && (
        <Table
          label={`Dead letters of ${name}`}
          columns={[
            { name: 'Id' },
            { name: 'The database said' },
            { name: 'Attempts', number: true },
            { name: 'Acknowledged', number: true },
            { name: '' },
          ]}
        >
          {letters.map((letter) => (
            <tr key={letter.letter}>
              <th scope="row" class="key">
                {letter.id} <span class="quiet">{letter.kind}</span>
              </th>
              <td class="prose">{letter.error}</td>
              <td class="number">{count(letter.attempts)}</td>
              <td class="number">{clock(letter.queuedAt)}</td>
              <td class="actions">
                <ActionButton
                  action="replay"
                  query={{ namespace, queue: name, letter: letter.letter }}
                  label={`Replay the write of ${letter.id}`}
                  onDone={look}
                >
                  Replay
                </ActionButton>
                <ActionButton
                  action="drop"
                  query={{ namespace, queue: name, letter: letter.letter }}
                  label={`Drop the write of ${letter.id}`}
                  sure={`Give up the write of ${letter.id}? It will never reach the database.`}
                  onDone={look}
                >
                  Drop
                </ActionButton>
              </td>
            </tr>
          ))}
        </Table>
      )}
    </div>
  );
}
